"""Words that sound the same, and the words that are too common to stand for another.

The groups are the usual English homophones (General American), written down for this program.
"""

from collections.abc import Mapping

__all__ = ["COMMON", "HOMOPHONES"]

_GROUPS = """
ad add; aid aide; ail ale; air heir; aisle isle; allowed aloud; altar alter; ate 8; bail bale;
bald bawled; band banned; bare bear; base bass; based baste; be bee; beach beech; beat beet;
beau bow; bell belle; berry bury; billed build; birth berth; bite byte; blew blue; boar bore;
board bored; bolder boulder; born borne; bough bow; boy buoy; brake break; bread bred;
bridal bridle; brows browse; buy by bye; capital capitol; carat carrot karat; cash cache;
caught cot; cede seed; ceiling sealing; cell sell; cellar seller; censor sensor; cent scent sent;
cereal serial; chance chants; check cheque; chews choose; choir quire; chord cord; chute shoot;
cite sight site; claws clause; coarse course; complement compliment; coarser courser;
council counsel; councillor counselor counsellor; creak creek; crews cruise; cue queue;
currant current; cymbal symbol; dear deer; dense dents; desert dessert; dew due; die dye;
discreet discrete; doe dough; dual duel; earn urn; ewe you; eye i; faint feint; fair fare;
feat feet; find fined; fir fur; flair flare; flea flee; flew flu flue; flour flower; for fore 4;
forth fourth; foul fowl; gait gate; gamble gambol; genes jeans; gilt guilt; grate great;
groan grown; guessed guest; gym jim; hail hale; hair hare; hall haul; hay hey; heal heel;
hear here; heard herd; higher hire; him hymn; hoarse horse; hole whole; holy wholly; hour our;
idle idol; in inn; jewel joule; kernel colonel; knead need; knew new; knight night; knot not;
know no; lead led; leak leek; leased least; lessen lesson; liar lyre; lie lye; lien lean;
links lynx; loan lone; made maid; mail male; main mane maine; maize maze; manner manor;
marshal martial; meat meet; medal meddle; mind mined; minor miner; missed mist; moan mown;
moor more; morning mourning; muscle mussel; naval navel; none nun; oar or ore; one 1 won;
paced paste; packed pact; pail pale; pain pane; pair pear; passed past; patience patients;
pause paws; pea pee; peace piece; peak peek; pedal peddle; peer pier; plain plane; please pleas;
plum plumb; pole poll; poor pour pore; pray prey; presence presents; principal principle;
prince prints; profit prophet; quarts quartz; rain reign rein; raise rays; rap wrap; read reed;
read red; real reel; right rite write; ring wring; road rode rowed; role roll; root route;
rose rows; rough ruff; rung wrung; rye wry; sail sale; scene seen; sea see; seam seem;
seas sees seize; serf surf; sew so sow; shear sheer; shoe shoo; side sighed; sign sine;
slay sleigh; sole soul; some sum; son sun; sore soar; staid stayed; stair stare; stake steak;
stationary stationery; steal steel; step steppe; straight strait; suite sweet; sundae sunday;
tacks tax; tail tale; taught taut; tea tee; team teem; tear tier; there their; threw through;
throne thrown; thyme time; tide tied; tire tyre; to too two 2; toad towed; toe tow; told tolled;
urn earn; vain vein vane; vary very; verses versus; vial vile; wade weighed; wail whale;
waist waste; wait weight; waive wave; ware wear where; warn worn; way weigh; we wee; weak week;
weather whether; which witch; whine wine; wood would; worn warn; yoke yolk; your yore;
affect effect; ensure insure;
"""
"""Groups end with a semicolon; numbers are digits, as `media.keywords.spelling` leaves them."""

_COMMON = """
a about after all also am an and any are as at back be because been before but by call can come
could day did do even first for from get give go good great had has have he her here him his hour
how i if in into is it its just knew know let like look made make me more most my need new no not
now of off oh okay on one only or other our out over own people please read real right said say
see seen she so some such take tell than that the their them then there these they thing think
this through time to too two up us use very want was way we week well went were what when where
which who will with would yeah year yes you your 0 1 2 3 4 5 6 7 8 9
"""
COMMON = frozenset(_COMMON.split())
"""Heard all the time: none of them stands for another word that is listened for by itself."""


def _by_word() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group in _GROUPS.split(";"):
        words = group.split()
        for word in words:
            found.setdefault(word, set()).update(other for other in words if other != word)
    return {word: frozenset(others) for word, others in found.items()}


HOMOPHONES: Mapping[str, frozenset[str]] = _by_word()
"""The words that each sounds like."""
