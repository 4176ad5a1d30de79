"""Figures people act on: KPIs as the glossary defines them, and exports for other tools."""
