//! 256 short words, one per byte value: for generated handles and for fingerprints that people compare.

#[rustfmt::skip] // one word a line would be 256 lines
const WORDS: [&str; 256] = [
    "acorn", "adobe", "agate", "alder", "algae", "almond", "amber", "anchor", "anise", "apron", "arbor", "arch",
    "aspen", "aster", "atlas", "attic", "aurora", "autumn", "badger", "bamboo", "banjo", "barley", "basalt", "basil",
    "basin", "beacon", "bench", "berry", "birch", "bison", "bistro", "bloom", "bobcat", "bonfire", "border",
    "boulder", "bracken", "bramble", "brass", "breeze", "brick", "bridge", "bronze", "bucket", "buckle", "burrow",
    "butter", "button", "cabin", "cactus", "camel", "canal", "canoe", "canvas", "canyon", "caramel", "cargo",
    "carrot", "castle", "cavern", "cellar", "chalk", "cherry", "chess", "cider", "cinder", "citrus", "clover",
    "cobalt", "cocoa", "comet", "copper", "coral", "cotton", "cougar", "crater", "crayon", "crystal", "cuckoo",
    "cumin", "curlew", "cypress", "daisy", "dapple", "delta", "denim", "dew", "dingo", "dolphin", "dome", "dragon",
    "drift", "dune", "eagle", "easel", "echo", "elder", "ember", "emerald", "engine", "ermine", "estuary", "fable",
    "fathom", "feather", "fennel", "fern", "ferry", "fiddle", "finch", "fjord", "flute", "forest", "fossil", "fox",
    "garden", "garnet", "gecko", "ginger", "glacier", "globe", "goose", "gorse", "granite", "grape", "gravel",
    "grove", "guitar", "harbor", "harp", "hazel", "heath", "hedge", "heron", "hickory", "hollow", "honey", "husky",
    "ibis", "iguana", "indigo", "iris", "island", "ivory", "ivy", "jackal", "jetty", "jigsaw", "juniper", "kayak",
    "kelp", "kernel", "kestrel", "kettle", "kite", "koala", "lagoon", "lantern", "larch", "lark", "lattice",
    "laurel", "lava", "lentil", "lichen", "lilac", "linen", "lobster", "locket", "lotus", "lupin", "magnet",
    "magpie", "mango", "maple", "marble", "marlin", "marsh", "meadow", "melon", "meteor", "mimosa", "mint", "mirror",
    "mistral", "monsoon", "moose", "mosaic", "muslin", "nectar", "needle", "nettle", "nickel", "nutmeg", "oasis",
    "obsidian", "ocean", "onyx", "opal", "orbit", "orchid", "osprey", "otter", "oyster", "paddle", "papaya",
    "parsley", "pebble", "pelican", "pepper", "petal", "piano", "pigeon", "pillow", "plum", "poplar", "poppy",
    "prairie", "puffin", "quail", "quartz", "quince", "radish", "raven", "reef", "ribbon", "river", "robin",
    "saddle", "saffron", "salmon", "sapphire", "scarf", "sequoia", "shell", "sienna", "silver", "sparrow", "spruce",
    "sundial", "tamarind", "teal", "thistle", "tiger", "topaz", "tulip", "tundra", "turnip", "valley", "velvet",
    "violet", "walnut", "willow", "wren", "yarrow", "zebra",
];

/// The word of `byte`; the list is in alphabetical order.
pub(crate) fn word(byte: u8) -> &'static str {
    WORDS.get(usize::from(byte)).copied().unwrap_or_default()
}
