"""The customer science: tables in, tables out, on any dataframe; no Django, no database."""
