"""The 79 costumes: cloth, patterns, colours, and what each is put together from."""
