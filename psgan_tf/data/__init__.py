"""Training data: the dataset card, records, and the pipeline that reads them."""
