"""Landing files of any format as records, and records as rows of the contract."""
