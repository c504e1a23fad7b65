"""The closed word lists by which labels are read, in lower case. A word in none of them counts as a noun."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split() for pair in text.split(","))


ACTS = {
    "approach": "move approach reach go navigate hover travel position align advance drive head extend",
    "grasp": "pick grasp grab take lift grip hold get fetch collect raise pinch clamp catch retrieve gather",
    "release": "place put release drop set deposit insert stack leave lay load store hang stow pack throw "
    "toss attach dock",
    "retreat": "retract retreat withdraw back depart exit",
    "carry": "carry bring transport transfer deliver lower hand pass relocate",
    "open": "open unlock uncover unscrew uncap unfold unwrap unzip unpack",
    "close": "close shut cover lock cap zip seal",
    "push": "push pull slide drag press nudge poke tap shift squeeze",
    "turn": "turn rotate twist flip spin screw tilt tip swing invert roll",
    "clean": "wipe clean wash sweep scrub dust rinse brush dry mop",
    "fold": "fold flatten straighten smooth crease",
    "pour": "pour fill empty dump sprinkle spill",
    "switch": "switch activate deactivate plug unplug",
    "other": "add crack break tape wet soak spray whisk beat mash grate toast bake boil fry scrape polish vacuum "
    "shovel dig wring drain strain dip dunk dab pat stroke pluck snip trim tear rip tuck staple hammer drill saw "
    "knead roll weigh measure paint erase type swipe buckle unbuckle latch unlatch button unbutton click thread "
    "use make do find look locate inspect check touch shake stir mix cut slice chop peel spread "
    "route brew prepare apply dispense wrap connect disconnect detach remove swap sort arrange organize organise align "
    "adjust level hit strike draw write wave point feed serve cook heat water return wait stop pause stay "
    "stand sit start begin continue finish complete keep let try give show scan rest reset orient separate "
    "join fit mount assemble disassemble bend stretch hook unhook clip tie untie lie loosen tighten regrasp "
    "reposition release assist help set search follow avoid clear unload scoop balance bus shelve box crush "
    "knock lean stabilize stabilise steady support replace change select tidy iron",
}
"""Verbs by their kind of action; the first group that lists a verb counts."""

ACT_OF = {verb: act for act, verbs in reversed(ACTS.items()) for verb in verbs.split()}

TRANSITIVE = _words(
    "grasp grab pick take lift grip hold release place put drop set insert pull push wipe fold open "
    "close carry bring approach"
)
"""Verbs that need an object."""

NOUNISH = _words(
    "water heat iron box bus tape brush mop screw cap lock dock cover seal zip clip hook roll cut tip stack "
    "load saw drill hammer button latch buckle thread paint wave point hand head back pack fold scan show"
)
"""Verbs that after `and` are nouns: the scissors and tape."""

DETERMINERS = _words(
    "the a an this that these those my your his her its their our each every all both some any "
    "another no either neither"
)
ARTICLES = _words("the a an my your his its her their our")
PRONOUNS = _words(
    "it them this that everything something anything nothing everyone someone me you him us itself themselves one"
)
NUMBERS = _words("two three four five six seven eight nine ten twelve once twice several many few")

PREPOSITIONS = _words(
    "about above across against along amid among around at before behind below beneath beside besides "
    "between beyond by down during for from in inside into near of off on onto opposite out outside "
    "over past per through throughout to toward towards under underneath up upon using via with "
    "within without after atop"
)
ADVERBS = _words(
    "upward upwards downward downwards forward forwards backward backwards sideways inward inwards "
    "outward outwards away again together apart home there here aside halfway clockwise "
    "counterclockwise anticlockwise back higher lower further farther closer slightly fully partially "
    "once twice diagonally still straight too first now then next not"
)
SIDES = _words("left right")
RESULTS = _words("open closed shut upright flat upside loose steady still")
"""Adverbs where they end a phrase (`pull the drawer open`), adjectives elsewhere."""
BEFORE_TO = _words("next close adjacent parallel perpendicular relative prior back over near")
NOT_ADVERBS = _words("jelly family assembly supply lily fly belly doily ugly curly butterfly")

CONJUNCTIONS = _words("and or then &")
CLAUSE_STARTS = _words("until so that which when if because where as while whilst but")

BARE = frozenset(
    {("in", "half"), ("in", "place"), ("by", "hand"), ("at", "rest"), ("on", "top"), ("in", "front")}
    | {("in", "position"), ("in", "contact"), ("into", "position"), ("into", "place"), ("with", "care")}
    | {("in", "line"), ("in", "order"), ("on", "display"), ("in", "midair"), ("in", "mid-air")}
)
"""Prepositions with a noun that take no article."""

MEASURES = _words(
    "cup glass piece bottle slice bowl stack pile pair bag box can sheet roll bit bunch set jar loaf "
    "bar pot carton pack packet plate spoonful handful block drop scoop ball"
)
"""Nouns whose `of` is followed by a substance: a piece of bread."""

SINGULAR_IN_S = _words("gas lens canvas atlas bias bus plus christmas pancreas swiss")
PLURALS = _words("people children mice feet teeth men women geese cattle knives dice")

ROBOT_PARTS = _words(
    "gripper grippers finger fingers fingertip fingertips arm arms hand hands effector end-effector "
    "wrist jaw jaws claw claws robot elbow joint manipulator"
)
PLACES = _words(
    "position pose location point spot zone area state configuration height side left right top "
    "bottom direction way place degrees air front end edge center centre middle corner home start "
    "step task half"
)
"""Heads of phrases that name a place, not an object."""

IRREGULAR_DONE = _pairs(
    "put put, set set, cut cut, shut shut, let let, hit hit, spread spread, go gone, do done, take "
    "taken, give given, get got, hold held, bring brought, catch caught, throw thrown, slide slid, "
    "leave left, lay laid, lie lain, hang hung, swing swung, spin spun, make made, find found, keep "
    "kept, sweep swept, shake shaken, stand stood, sit sat, begin begun, feed fed, draw drawn, write "
    "written, drive driven, bend bent, withdraw withdrawn, show shown, strike struck, stick stuck, "
    "have had, be been, fit fit, send sent, build built, light lit, blow blown, read read"
)
"""Participles that the spelling rules miss."""
STRESSED_LATE = _words("transfer begin reset unplug unwrap unzip unclip unpin uncap regrip")
"""Verbs of two syllables that double their last letter."""

PARTICLES = {
    "up": _words("tidy pick lift hold fold clean bring gather take turn open cut set"),
    "down": _words("put set lay press push pull fold turn bring take lower"),
    "on": _words("turn switch screw"),
    "off": _words("turn switch take"),
    "over": _words("hand flip turn"),
    "out": _words("take pull empty spread"),
    "in": _words("fold push tuck"),
}
"""Words that belong to these verbs, so that a pronoun goes before them: pick it up, turn it on."""
