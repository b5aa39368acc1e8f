"""Reference pages made from the code, one module per page, each with a function `page() -> str`."""
