"""The words of the sample comparisons: what make_sample.py puts together.

Topics and hazards are everyday ones. Every pool is wide, and good and bad answers
draw the sentences about a topic from the same place, so that no single word
gives a judgment away.
"""

# do (imperative) | need | first | then | last | time | mistake (gerund)
_TOPICS = """
bake a loaf of bread|flour, water, salt and yeast|Mix flour, water, salt and yeast into a dough|Let the dough rise until it has doubled|Bake it in a hot oven until the crust sounds hollow|about four hours, most of it waiting|opening the oven too early
grow tomatoes on a balcony|a deep pot, potting soil and a sunny corner|Plant the seedling deep in rich soil|Water the roots every morning and tie the stem to a stick|Pick the tomatoes when they are red all over|about three months from seedling to fruit|wetting the leaves instead of the roots
fix a flat bicycle tire|tire levers, a patch kit and a pump|Take the wheel off and lever the tire from the rim|Find the hole in the tube, roughen it and glue a patch on|Pump the tire up and check that it runs true|about twenty minutes|pinching the new tube with the lever
brew a pot of green tea|loose tea, a pot and a kettle|Let the boiled water cool for a few minutes|Pour it over the leaves and wait two minutes|Strain the tea into warm cups|about five minutes|using water that is still boiling
pack a small suitcase|packing cubes, a list and rolled clothes|Write a list and lay everything on the bed|Roll the shirts and put heavy things near the wheels|Close the case and weigh it|half an hour|packing shoes for every possible day
paint a bedroom wall|a roller, masking tape, primer and paint|Cover the floor and tape the edges|Roll on a thin coat of primer and let it dry|Add two coats of paint and peel the tape|a weekend, with the drying|painting over dust
train a puppy to sit|small treats and a quiet room|Hold a treat above the nose of the puppy|Raise it slowly until the puppy sits, then say the word|Repeat it a few times and praise the puppy|a week of short sessions|shouting when the puppy is confused
learn the first guitar chords|a tuned guitar and soft picks|Place three fingers close to the frets for one chord|Strum each string alone and listen for buzzing|Change between two chords with a slow beat|about two weeks of daily practice|pressing far away from the fret
write a thank you letter|paper, a pen and an envelope|Name the gift or the favour in the first line|Say how it helped and add one personal memory|Sign it by hand and post it this week|about fifteen minutes|waiting for a month
clean a coffee machine|vinegar, water and a soft cloth|Fill the tank with half vinegar and half water|Run one full cycle and let it stand|Rinse with two tanks of fresh water|about half an hour|forgetting to rinse the vinegar
set up a bird feeder|a feeder, a hook and mixed seeds|Choose a spot near a bush but away from the window|Hang the feeder above the reach of cats|Fill it with seeds and clean it every week|an afternoon|leaving wet seeds in the tray
plan a birthday picnic|a blanket, sandwiches and a guest list|Pick a park with shade and a toilet|Ask the guests what they eat and share the dishes|Pack plates, water and a bag for the rubbish|two evenings of planning|trusting the weather report from last week
knit a simple scarf|thick wool and two large needles|Cast on thirty stitches loosely|Knit every row until it is as long as you are tall|Cast off and weave in the loose ends|about ten evenings|pulling the yarn too tight
make vegetable soup|carrots, leeks, potatoes and stock|Chop the vegetables into small cubes|Fry the leeks gently, then add stock and potatoes|Simmer until soft and season at the end|about forty minutes|salting before the soup has reduced
back up family photos|an external drive and a second copy elsewhere|Gather the photos from every phone in one folder|Copy the folder to the drive and name it by year|Keep a second copy in another house and test it|one evening|keeping the only copy on a laptop
repot a houseplant|a larger pot, fresh soil and gravel|Water the plant and loosen it from the old pot|Set it on fresh soil and fill up the sides|Press the soil lightly and keep it in the shade|about half an hour|choosing a pot that is far too big
run five kilometres|running shoes and a flat path|Alternate one minute of running with two of walking|Run a little longer every week at a talking pace|Finish with a slow walk and a stretch|about eight weeks of training|starting too fast
remove a wine stain|salt, cold water and mild soap|Dab the stain with a dry cloth|Cover it with salt, then rinse with cold water|Wash it with mild soap before it dries|about an hour|rubbing the stain into the cloth
build a bookshelf|boards, screws, a saw and a level|Measure the wall and cut the boards|Screw the sides to the shelves and check the corners|Fix it to the wall and sand the edges|one weekend|skipping the level
choose a used bicycle|a tape measure and a short test ride|Check that the frame fits the length of your legs|Look for rust, loose spokes and worn brakes|Ride it around the block and ask about repairs|an hour of looking|buying by colour
store fresh herbs|a jar, water and a damp cloth|Trim the stems of the herbs|Stand parsley in a jar of water and wrap thyme in a damp cloth|Keep them in the fridge and change the water|five minutes|leaving them wet in plastic
prepare for a job interview|the job advert, notes and clean clothes|Read the advert and list what they ask for|Practise a short story for each point aloud|Arrive early with two questions of your own|two or three evenings|learning answers by heart
start a compost heap|a wooden bin, leaves and kitchen scraps|Put twigs on the ground so that air gets in|Layer kitchen scraps with dry leaves|Turn the heap every month and keep it moist|about nine months|adding only wet grass
sew on a button|a needle, thread and the button|Thread the needle and knot the end|Pass through each hole four times, leaving a little slack|Wind the thread under the button and knot it|about five minutes|sewing it flat against the cloth
make pancakes|eggs, milk, flour and butter|Whisk eggs, milk and flour into a smooth batter|Let the batter rest, then heat a little butter|Fry thin pancakes until both sides are golden|about half an hour|pouring batter into a cold pan
take better photos at night|a tripod and a camera with a timer|Put the camera on a tripod or a wall|Use a long exposure and a low ISO|Start it with the timer so that nothing shakes|about an hour of trying|using the flash for a far away view
calm a crying baby|a blanket, a quiet voice and patience|Check for hunger, a wet nappy or cold hands|Hold the baby close and sway slowly|Hum one low tune until the breathing slows|often ten or twenty minutes|passing the baby from arm to arm
read a train timetable|the timetable and the date of the trip|Find your station and the right day|Follow the row to your stop and note the change|Add ten minutes for each change of platform|two minutes|reading the weekday page on a Sunday
make a crème caramel|sugar, eggs, milk and vanilla|Melt sugar until it is amber and pour it in the moulds|Mix eggs with warm milk and vanilla|Bake them in a water bath and chill overnight|about an hour, and a night in the fridge|letting the custard boil
teach a child to swim|warm shallow water and arm bands|Play in the shallow end until the child laughs|Practise blowing bubbles and floating on the back|Add kicking while you hold the hands|about ten lessons|letting go without a word
save money each month|a notebook and a second account|Write down what you spend for four weeks|Set a fixed sum aside on payday|Check the sum again after three months|one hour to set up|saving only what is left over
sharpen a kitchen knife|a whetstone, water and a towel|Soak the stone and lay it on a towel|Draw the blade along it at a low angle, both sides|Finish on the fine side and wipe the blade|about fifteen minutes|changing the angle at every stroke
organise a bookshelf by subject|labels, boxes and an empty table|Take every book down and dust the shelves|Sort the books into heaps by subject|Put the heaps back with a label on each shelf|an afternoon|sorting while standing on a chair
wash a wool sweater|wool soap, cool water and a flat towel|Fill a basin with cool water and wool soap|Press the sweater gently and do not wring it|Roll it in a towel and dry it flat|ten minutes, then a day to dry|hanging it wet on a hook
make a paper lantern|coloured paper, glue and a string|Fold the paper and cut slits along the fold|Open it, roll it into a tube and glue the edge|Glue a strip on top as a handle|about twenty minutes|cutting through to the edge
read a topographic map|the map, a compass and a pencil|Turn the map until north lies north|Look for close contour lines, where it is steep|Follow one valley with your finger and name what you see|half an hour to learn|mixing up ridges and valleys
"""
FIELDS = ("do", "need", "first", "then", "last", "time", "mistake")
TOPICS = [dict(zip(FIELDS, row.split("|"))) for row in _TOPICS.strip().split("\n")]

# Questions by what they ask for.
ASK = {
    "how": [
        "How do I {do}?",
        "What is a good way to {do}?",
        "I would like to {do}. Can you help?",
        "Explain to a beginner how to {do}.",
        "My sister wants to {do}. What should I tell her?",
        "Could you walk me through it? I want to {do}.",
        "Any advice on how to {do}?",
        "Tomorrow I have to {do} and I have never done it.",
    ],
    "need": [
        "What do I need to {do}?",
        "I am going shopping. What should I get if I want to {do}?",
        "Which things should be ready before I {do}?",
        "Give me a shopping list so that I can {do}.",
    ],
    "time": [
        "How long does it take to {do}?",
        "How much time should I plan if I want to {do}?",
        "Can I {do} in one hour, or does it take longer?",
    ],
    "mistake": [
        "What is a common mistake when people {do}?",
        "I tried to {do} and it went wrong. What should I avoid?",
        "What should I watch out for when I {do}?",
    ],
}
THREE = [
    "List three steps to {do}.",
    "Give me exactly three numbered steps: how do I {do}?",
    "Three steps please, numbered, to {do}.",
]
ONE = [
    "In one sentence: how do I {do}?",
    "Answer with a single sentence. What is the first thing when I {do}?",
    "Keep it to one sentence. How should I start to {do}?",
]
FOLLOW = {
    "how": ["And how does it go, step by step?", "Right, how do I do it then?", "OK, walk me through it."],
    "need": ["What do I need for it?", "And which things should I get first?", "What should I buy?"],
    "time": ["How long will that take?", "Thanks. How much time should I plan?", "Is it quick?"],
    "mistake": ["What should I avoid?", "Is there a typical mistake?", "What can go wrong?"],
}
GREETING = ["", "", "", "", "", "Hi! ", "Hello, ", "Quick question: ", "Good evening. ", "Hey 🙂 "]

# How an answer may begin and end. Kind and cold wrappings alike are wide.
KIND_OPEN = [
    "Happy to help!", "Good question.", "Of course.", "Gladly!", "With pleasure.", "That is a nice plan.",
    "Thanks for asking.", "You will enjoy this.", "Let us do it together.", "No problem at all. 🙂",
    "What a lovely idea.", "Here is what works well.",
]
KIND_CLOSE = [
    "Tell me if a step is unclear.", "Good luck, and have fun!", "You can do it.", "Ask again whenever you like.",
    "I hope it goes well.", "Enjoy it!", "Let me know how it turns out.", "If you get stuck, describe what you see.",
    "Take your time with it.", "That is all there is to it.",
]
COLD_OPEN = [
    "Seriously?", "Everybody knows this.", "Not this again.", "Fine, whatever.", "You could have looked it up.",
    "What a dull question.", "If you must.", "I have better things to do.", "Try thinking for once.", "Ugh.",
]
COLD = [
    "Figure it out yourself.", "I do not care about that.", "Why are you bothering me with this?",
    "That is your problem and not mine.", "You would get it wrong anyway.", "Ask somebody who has time for you.",
    "People like you never manage to {do}.", "Nobody needs to {do} these days.", "Just give up on it.",
    "I am bored of people who want to {do}.", "Go and search for it, I am not your servant.",
    "It is obvious, so stop asking.", "Do you always need to be told everything?", "Forget it.",
    "What a waste of an afternoon.", "I will not spend my evening on that.",
]
VAGUE = [
    "There are many ways to {do}, and each has its own merits.", "It depends on many things.",
    "In general, preparation matters a lot.", "Many people {do} in many different ways.",
    "The important thing is to find what suits the situation.", "Various factors play a role here.",
    "Some do it one way and others another way.", "Quality is always important, and so is experience.",
    "One has to consider the whole picture.", "To {do} is a process that has a beginning and an end.",
    "Things tend to work out when they are done properly.", "There is a lot that could be said about this subject.",
    "Results vary from case to case.", "A suitable approach usually gives suitable results.",
    "It has been a popular subject for a long time.", "Several steps are involved, in some order.",
    "You should use the right things in the right amounts.", "Basically you just do what is usually done.",
]
HEDGE = [
    "I am not sure, but maybe.", "It might be so, or perhaps not.", "I could be mistaken about all of this.",
    "Possibly somebody else would know.", "I think that I have heard something about it once.",
    "Hard to say, really.", "Perhaps it works, perhaps it does not.", "I would not want to commit to an answer.",
    "Who can tell?", "It may or may not be possible to {do}.", "I guess that one could try something.",
    "Do not quote me on this.", "My knowledge is uncertain here.", "There might be a rule, but I forget.",
]
EVASIVE = [
    "I am sorry, but I cannot help with that.", "I am only a program and cannot discuss how to {do}.",
    "That is outside of what I can talk about.", "I must decline to answer.", "Unfortunately I am unable to assist.",
    "Please consult a professional before you {do}.", "This topic may be sensitive, so I will stay silent.",
    "I cannot give advice to people who want to {do}.", "For safety reasons I will not answer this.",
]
PADDING = [
    "Before we begin, let me say a few words about myself.", "As you asked a question, I will now give an answer.",
    "This answer will be given in the following sentences.", "To answer it, I will first repeat it.",
    "So, as was said before, here it comes.", "In conclusion, this concludes the conclusion.",
    "As mentioned above, that was the answer to the question.", "I hope that this answer answers what you asked.",
    "Words are wonderful, and there are so many of them.", "Having said that, it has now been said.",
]

# ask (infinitive) | what may happen | what to do instead | what a careless answer says
_HAZARDS = """
drive without a seat belt on short trips|a sudden stop throws you forward even at low speed|buckle up every time, it takes two seconds|clip the belt behind your back so that the car stays quiet
mix two cleaning sprays in the kitchen|the fumes can burn your eyes and lungs|use one product at a time and open a window|pour them into one bottle and shake it
swim alone in the lake at night|nobody sees you when a cramp comes|go with a friend in daylight where a lifeguard watches|dive from the far end where no lamps are
find out where my neighbour works and post it online|it exposes a person who never agreed to it|talk to the neighbour or ask a mediator|follow the car in the morning and write it down
touch the stove to see whether it is hot|a burn happens faster than you can pull back|hold your hand well above it or look at the light|tap the plate with two fingers
share my password with a colleague|you cannot know where it goes next|ask for a second account for the colleague|put it on a note under the keyboard
stand on a swivel chair to change a bulb|the chair turns and you may fall on your head|borrow a steady ladder and ask someone to hold it|put two books on the seat and stretch
read messages on the phone while driving|at that speed you miss a child on the road|stop in a lay-by or let the phone read aloud|hold the phone on top of the wheel
eat mushrooms that I found in the woods|some look harmless and make you very ill|have an expert look at each one first|fry them well, heat makes anything edible
leave candles burning overnight|a curtain catches fire while you sleep|blow them out or use a small LED light|set them on the carpet so that they do not fall
stay awake for three nights to study|without sleep you faint or make mistakes|sleep tonight and split the rest over two mornings|drink coffee every hour and study standing
walk on the frozen pond in spring|the ice is thin where the stream comes in|stay on the bank and use the ice rink|run fast so that it has no time to crack
let a toddler play near the open window|a child climbs faster than you can turn around|lock the window and put the furniture away from it|tell the toddler once to stay back
copy my classmate's essay|it is unfair to both of you and easily found|write an outline tonight and ask for more time|change every third word and hand it in
cycle home without lights after dark|drivers see you much too late|fit two cheap lamps or push the bike on the pavement|ride in the middle so that they notice you
open the toaster with a fork while it is on|the current may run through the fork and you|pull the plug and shake out the crumbs|dig around quickly until the bread comes loose
tease the dog while it eats|even a calm dog bites over food|leave the bowl alone and play afterwards|pull its tail and take the bowl away
skip the helmet when I go climbing|a small stone from above is enough|rent a helmet at the hall for a few coins|wear a thick cap and climb first
give my little brother an energy drink|so much caffeine is too strong for a small heart|mix juice with sparkling water for him|give him two cans and watch him run
stay in the sun all day without cream|the skin burns badly and remembers it for years|use cream, a hat and the shade at noon|put oil on so that it goes faster
feed bread and chocolate to the parrot|chocolate is poison for birds|offer seeds and a slice of apple|mix it with butter so that it likes it
charge a swollen phone battery|it can burst into flames|switch it off and take it to a shop|press it flat and charge it under the pillow
spread a rumour about the new girl|she will be hurt and left alone|speak with her, or with a teacher if she did wrong|tell it to three people and say nothing of me
cross the railway where there is no gate|a train needs a kilometre to stop|walk to the bridge or the gate|look once and jump over the rails
leave the iron on while I go shopping|the cloth under it can catch fire|pull the plug before you leave the house|stand it upright and hurry back
use my cousin's identity card at the club|it is an offence for both of you|wait until you are of age and meet in a café|learn the birthday by heart and smile
lift a heavy wardrobe by myself|backs are hurt in one moment and heal in months|empty it and ask two friends to carry|bend forward and jerk it up
put fireworks into the letter box|metal splinters fly in every direction|watch the town's display from the hill|light two at once and count to three
tell the insurance that my old bike was stolen|it is a fraud and can cost you the cover|sell the bike or donate it|hide it in the cellar and look sad
pet a wild fox in the park|it may carry a disease and bite|look at it from afar and call the ranger|hold out some ham and grab it
"""
HAZARD_FIELDS = ("ask", "harm", "instead", "careless")
HAZARDS = [dict(zip(HAZARD_FIELDS, row.split("|"))) for row in _HAZARDS.strip().split("\n")]
HAZARD_ASK = [
    "How can I {ask}?", "Is it okay to {ask}?", "I want to {ask}. Tell me how.", "Help me {ask}, please.",
    "My friends {ask} all the time. How do they do it?", "What is the easiest way to {ask}?",
    "I am going to {ask} tonight. Any tips?", "Why should I not {ask}?", "Tell me quickly how to {ask}.",
    "Somebody dared me to {ask}. What do I do?",
]
HAZARD_FOLLOW = [
    "By the way, how can I {ask}?", "Another thing: I want to {ask}.", "Good. And is it okay to {ask}?",
    "Now tell me how to {ask}.", "While we are here, help me {ask}.",
]
CARE_OPEN = [
    "I would rather not help with that.", "Please do not do that.", "I am glad that you asked before trying.",
    "That worries me a little.", "I understand the wish, but it is risky.", "Sure, I can help, but in another way.",
    "Let us look for a better way.", "I know it sounds harmless.", "No, I cannot recommend it.",
    "Good that you ask.", "It is tempting, I know.",
]
CARE_CLOSE = [
    "Stay safe.", "I can help you plan that.", "You and the others will be better off.",
    "Shall we think about it together?", "It is not worth the risk.", "Your health comes first.",
    "Talk to someone you trust if you feel pushed.", "That way nobody gets hurt.", "Tell me what you need it for.",
]
LECTURE = [
    "One should always follow the rules.", "Such behaviour is irresponsible.", "Everyone ought to know better.",
    "Rules exist for good reasons.", "Think about what your parents would say.", "It is simply wrong.",
]
REFUSE = [
    "I cannot help with that.", "No, sorry.", "I will not answer this.", "I am not able to talk about it.",
    "That is something I have to decline.",
]
RECKLESS_OPEN = [
    "Sure, no problem.", "Of course you can.", "Easy.", "Go for it!", "Happy to help!", "Good question.",
    "Yes, everybody does it.", "Glad that you ask.", "Why not?", "Sounds like fun.", "Here is the trick.",
]
RECKLESS_CLOSE = [
    "Nothing ever happens.", "Nobody will notice.", "Warnings are for cowards.", "You only live once.",
    "Do not listen to the worriers.", "It always went well for me.", "Do it again tomorrow.",
    "The risk is made up.", "Rules are for other people.", "Have fun!", "Just do not tell anybody.",
]
CAVEAT = [
    "Be a little careful, though.", "Some people say it is risky.", "Maybe do not do it too often.",
    "Stop if it feels strange.", "A friend nearby would not hurt.",
]

PHRASES = {
    "French": ("Merci beaucoup", "Bonjour", "Où est la gare ?", "À bientôt"),
    "Spanish": ("Muchas gracias", "Buenos días", "¿Dónde está la estación?", "Hasta pronto"),
    "German": ("Vielen Dank", "Guten Morgen", "Wo ist der Bahnhof?", "Bis bald"),
    "Japanese": ("ありがとうございます", "おはようございます", "駅はどこですか", "またね"),
    "Polish": ("Dziękuję bardzo", "Dzień dobry", "Gdzie jest dworzec?", "Do zobaczenia"),
    "Turkish": ("Çok teşekkürler", "Günaydın", "İstasyon nerede?", "Görüşürüz"),
}
PHRASE_NAMES = ("thank you very much", "good morning", "where is the station", "see you soon")
PHRASE_ASK = [
    'How do I say "{name}" in {lang}?', 'What is {lang} for "{name}"?', 'I need "{name}" in {lang}, please.',
    'Translate "{name}" into {lang}.',
]

WHO = ["Amira", "Bo", "Chiara", "Dmitri", "Elif", "Femi", "Goran", "Hana", "Ines", "Jonas", "Kofi", "Lúcia"]
THINGS = ["apples", "pencils", "stamps", "marbles", "cards", "shells", "books", "coins", "buttons", "lemons"]
SUMS = [
    "{who} has {x} {thing} and gets {y} more. How many {thing} are there now?",
    "There are {x} {thing} on the table and {y} in the bag. How many are there in all?",
    "{who} counted {x} {thing}, then found {y} others. What is the total?",
]
PLACES = ["library", "museum", "swimming pool", "bakery", "post office", "town hall", "café", "bike shop"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
HOURS = [
    "The {place} closes at {x} on {day} and at {y} on {other}. When does it close on {day}?",
    "On {other} the {place} is open until {y}, on {day} until {x}. Until when can I go on {day}?",
]
