"""How a page is made: the site, its texts and colours, what people typed, errors."""
