"""Operations: what a person, or a DAG of its own, does to a domain."""
