"""The ranker as ONNX: conversion, checks of the graph, and proof that it ranks the same."""
