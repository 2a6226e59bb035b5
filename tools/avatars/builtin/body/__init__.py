"""The figure's body: proportions, surface, head, face, hands, skin weights."""
