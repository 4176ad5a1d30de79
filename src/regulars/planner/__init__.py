"""What to do next: the dated, owned list of customers to contact, with the reason for each."""
