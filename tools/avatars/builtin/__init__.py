"""The built-in avatar Koharu, made by code: figure, wardrobe and motions."""
