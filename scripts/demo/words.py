"""The words of the demo: styles, kinds, items and times of dishes, and the phrases made of them."""

# style: word of queries -> (words of options, kinds it fits or () for all)
STYLES = {
    "spicy": (["fiery", "peppery"], ()),
    "smoky": (["smoked", "wood-fired"], ()),
    "hearty": (["filling", "rustic"], ("soup", "stew", "curry", "pasta", "rice", "pie", "sandwich", "salad",
                                                   "porridge", "pancakes", "cake", "pudding")),
    "mild": (["mellow", "gentle"], ()),
    "salty": (["briny", "salted"], ()),
    "sour": (["tangy", "sharp"], ()),
    "light": (["airy", "delicate"], ()),
    "healthy": (["wholesome", "nourishing"], ()),
    "quick": (["speedy", "simple"], ()),
    "fancy": (["elegant", "festive"], ()),
    "sweet": (["honeyed", "sugary"], ()),
    "creamy": (["velvety", "silky"], ("soup", "stew", "curry", "pasta", "rice", "dip", "pie", "omelette",
                                                  "porridge", "pudding", "drink", "ice cream")),
    "crispy": (["crunchy", "crackling"], ("salad", "sandwich", "pie", "pizza", "dumplings", "crackers",
                                                      "skewers", "pancakes", "cookies")),
    "cold": (["chilled", "iced"], ("soup", "salad", "pasta", "rice", "dip", "sandwich", "pudding", "drink",
                                            "porridge", "pie", "cake")),
    "grilled": (["charred", "barbecued"], ("skewers", "sandwich", "pizza", "salad", "dumplings")),
}
WORLDS = {
    "savoury": ["spicy", "smoky", "hearty", "mild", "salty", "sour", "light", "healthy", "quick", "fancy", "creamy",
                "crispy", "cold", "grilled"],
    "sweet": ["sweet", "spicy", "mild", "sour", "light", "healthy", "quick", "fancy", "creamy", "crispy", "cold", "hearty"],
}

# kind: name -> (worlds, noun of queries, whether it takes "a", words of options)
KINDS = {
    "soup": (("savoury",), "soup", True, ["chowder", "broth"]),
    "salad": (("savoury", "sweet"), "salad", True, ["slaw", "medley"]),
    "stew": (("savoury",), "stew", True, ["casserole", "hotpot"]),
    "curry": (("savoury",), "curry", True, ["masala", "korma"]),
    "pasta": (("savoury",), "pasta", False, ["spaghetti", "penne"]),
    "rice": (("savoury",), "rice dish", True, ["pilaf", "risotto"]),
    "pie": (("savoury", "sweet"), "pie", True, ["tart", "galette"]),
    "sandwich": (("savoury",), "sandwich", True, ["panini", "wrap"]),
    "pizza": (("savoury",), "pizza", True, ["flatbread", "focaccia"]),
    "dumplings": (("savoury",), "dumplings", False, ["gyoza", "pierogi"]),
    "skewers": (("savoury",), "skewers", False, ["kebabs", "brochettes"]),
    "dip": (("savoury",), "dip", True, ["spread", "relish"]),
    "crackers": (("savoury",), "crackers", False, ["crisps", "chips"]),
    "omelette": (("savoury",), "omelette", True, ["frittata", "scramble"]),
    "porridge": (("sweet",), "porridge", False, ["oatmeal", "muesli"]),
    "pancakes": (("sweet",), "pancakes", False, ["crepes", "waffles"]),
    "cake": (("sweet",), "cake", True, ["sponge", "loaf"]),
    "cookies": (("sweet",), "cookies", False, ["shortbread", "biscotti"]),
    "pudding": (("sweet",), "pudding", True, ["custard", "mousse"]),
    "ice cream": (("sweet",), "ice cream", False, ["sorbet", "gelato"]),
    "drink": (("sweet",), "drink", True, ["smoothie", "punch"]),
}


def _items(text):
    """(item, the form it takes before a noun) of words like lemons/lemon."""
    return [tuple((w.split("/") * 2)[:2]) for w in text.split()]


# group: name -> (world, items)
GROUPS = {
    "fish": ("savoury", _items("salmon tuna cod trout haddock halibut")),
    "shellfish": ("savoury", _items("shrimp crab lobster oysters/oyster mussels/mussel clams/clam")),
    "poultry": ("savoury", _items("chicken turkey duck goose quail")),
    "red meat": ("savoury", _items("beef lamb pork veal venison")),
    "cheese": ("savoury", _items("cheddar feta ricotta mozzarella gouda brie")),
    "leafy greens": ("savoury", _items("spinach kale cabbage chard arugula")),
    "root vegetables": ("savoury", _items("carrots/carrot parsnips/parsnip beets/beet turnips/turnip radishes/radish")),
    "legumes": ("savoury", _items("chickpeas/chickpea lentils/lentil peas/pea soybeans/soybean")),
    "mushrooms": ("savoury", _items("porcini shiitake chanterelles/chanterelle morels/morel")),
    "berries": ("sweet", _items("strawberries/strawberry blueberries/blueberry raspberries/raspberry "
                                "cranberries/cranberry blackberries/blackberry")),
    "citrus fruit": ("sweet", _items("lemons/lemon limes/lime oranges/orange grapefruit tangerines/tangerine")),
    "stone fruit": ("sweet", _items("peaches/peach plums/plum apricots/apricot cherries/cherry nectarines/nectarine")),
    "tropical fruit": ("sweet", _items("mangoes/mango pineapple bananas/banana coconut papaya")),
    "nuts": ("sweet", _items("almonds/almond walnuts/walnut pecans/pecan cashews/cashew hazelnuts/hazelnut")),
}

# time: name -> (the aspect it tells, the values that fit, arguable values, ways to say it)
TIMES = {
    "breakfast": ("kind", ("porridge", "pancakes", "omelette"), ("drink", "sandwich", "cake"),
                  ["for breakfast", "to start the day"]),
    "afternoon snack": ("kind", ("dip", "crackers", "cookies"), ("sandwich", "cake", "dumplings", "pudding", "drink",
                                                                 "ice cream", "salad"),
                        ["for an afternoon snack", "to nibble before dinner"]),
    "summer": ("style", ("cold",), ("light",), ["for a hot summer day", "for the hottest week in July"]),
    "winter": ("style", ("hearty",), ("spicy", "creamy", "grilled"), ["for a long winter night", "for January evenings"]),
    "weeknight": ("style", ("quick",), (), ["for a busy weeknight", "for evenings when time is short"]),
    "New Year": ("style", ("fancy",), (), ["for New Year's Eve", "for our anniversary"]),
}

FORMS = ["{s} {as_adjective} {k}", "{s} {k} with {item}", "{s} {k} made with {item}"]
TAILS = {"savoury": ["fresh herbs", "black pepper", "olive oil", "parsley", "garlic", "sea salt"],
         "sweet": ["vanilla", "mint", "brown sugar", "cinnamon", "maple syrup", "nutmeg"]}


def item_of(item):
    """(group, world) of an item."""
    return next((g, world) for g, (world, items) in GROUPS.items() if item in items)


def noun(kind):
    return KINDS[kind][1]


def agree(words, kind):
    """The words after a kind, with the verb of its number."""
    if kind in ("dumplings", "skewers", "crackers", "pancakes", "cookies"):
        return words.replace("that has", "that have").replace("in it", "in them").replace("that uses", "that use")
    return words


def phrase(style, kind, item=None):
    """A spicy salmon soup, some crispy dumplings, something spicy: what is given of a dish, with its article."""
    if kind is None:
        return " ".join(w for w in ("something", style, item and item[1]) if w)
    words = " ".join(w for w in (style, item and item[1], noun(kind)) if w)
    return ("a" + "n" * (words[0] in "aeiou") if KINDS[kind][2] else "some") + " " + words
