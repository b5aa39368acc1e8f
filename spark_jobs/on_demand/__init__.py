"""No part of a night: what people start by hand, or what a DAG of its own runs."""
