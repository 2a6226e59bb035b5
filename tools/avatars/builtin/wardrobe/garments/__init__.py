"""Garments: tops, skirts, dresses, trousers, sleeves, collars, socks, shoes."""
