package sandbox

// family is a kind of thing that the generated shop makes.
type family struct {
	noun     string // "mug"
	code     string // of the SKU
	category string
	price    int // of the smallest, in cents
	stock    int // what a well-stocked location holds
	colours  choice
	sizes    choice
	material string // SKU of what it is made of
	uses     string // how much of it
	hsCode   string // harmonised system code
}

// choice is an option of a product with its values; without a name there is
// none, and the one value is empty.
type choice struct {
	name   string
	values []option
}

// option is a value with its part of the SKU.
type option struct{ name, code string }

var (
	glazes = choice{"Glaze", []option{{"Blue", "BLUE"}, {"Oat", "OAT"}, {"Moss", "MOSS"}, {"Charcoal", "CHAR"}}}
	scents = choice{"Scent", []option{{"Fig", "FIG"}, {"Cedar", "CEDAR"}, {"Sea salt", "SEA"}, {"Unscented", "PLAIN"}}}
	hides  = choice{"Leather", []option{{"Cognac", "COG"}, {"Black", "BLK"}, {"Natural", "NAT"}}}
	yarns  = choice{"Colour", []option{{"Grey", "GREY"}, {"Rust", "RUST"}, {"Cream", "CREAM"}, {"Navy", "NAVY"}}}
	inks   = choice{"Ink", []option{{"Indigo", "IND"}, {"Terracotta", "TER"}}}
	woods  = choice{"Wood", []option{{"Oak", "OAK"}, {"Ash", "ASH"}, {"Walnut", "WAL"}}}
	single = choice{"", []option{{"", ""}}}
)

var families = []family{
	{"mug", "MUG", "Ceramics", 2400, 40, glazes, choice{"Size", []option{{"250 ml", "250"}, {"350 ml", "350"}}}, "MAT-CLAY", "0.45", "691200"},
	{"candle", "CANDLE", "Candles", 1900, 60, scents, choice{"Size", []option{{"Small", "S"}, {"Large", "L"}}}, "MAT-WAX", "0.22", "340600"},
	{"card wallet", "WALLET", "Leather", 4500, 25, hides, single, "MAT-LEATHER", "0.08", "420231"},
	{"beanie", "BEANIE", "Knitwear", 3900, 30, yarns, single, "MAT-WOOL", "0.09", "650500"},
	{"print", "PRINT", "Prints", 2900, 80, inks, choice{"Size", []option{{"A4", "A4"}, {"A3", "A3"}, {"50 x 70 cm", "5070"}}}, "MAT-PAPER", "1", "491191"},
	{"bowl", "BOWL", "Ceramics", 3200, 25, glazes, choice{"Size", []option{{"Breakfast", "BR"}, {"Serving", "SV"}}}, "MAT-CLAY", "0.8", "691200"},
	{"sweater", "KNIT", "Knitwear", 11900, 12, yarns, choice{"Size", []option{{"S", "S"}, {"M", "M"}, {"L", "L"}, {"XL", "XL"}}}, "MAT-WOOL", "0.65", "611011"},
	{"tote", "TOTE", "Leather", 16900, 8, hides, single, "MAT-LEATHER", "0.7", "420221"},
	{"cutting board", "BOARD", "Woodwork", 5400, 18, woods, choice{"Size", []option{{"30 cm", "30"}, {"45 cm", "45"}}}, "MAT-TIMBER", "0.012", "441990"},
	{"soap bar", "SOAP", "Bath", 790, 120, scents, single, "MAT-OIL", "0.11", "340111"},
	{"scarf", "SCARF", "Knitwear", 6900, 20, yarns, single, "MAT-WOOL", "0.28", "611710"},
	{"belt", "BELT", "Leather", 6400, 15, hides, choice{"Size", []option{{"85 cm", "85"}, {"95 cm", "95"}, {"105 cm", "105"}}}, "MAT-LEATHER", "0.15", "420330"},
	{"vase", "VASE", "Ceramics", 4800, 14, glazes, single, "MAT-CLAY", "1.2", "691390"},
	{"notebook", "NOTE", "Paper", 1400, 90, inks, choice{"Paper", []option{{"Plain", "PL"}, {"Dotted", "DOT"}}}, "MAT-PAPER", "12", "482010"},
	{"tea towel", "TOWEL", "Linen", 1700, 50, inks, single, "MAT-LINEN", "0.35", "630292"},
	{"key ring", "KEY", "Leather", 1200, 75, hides, single, "MAT-LEATHER", "0.01", "420500"},
}

// series are the shop's lines; each family comes in each of them.
var series = []option{
	{"Harbour", "HAR"}, {"Juniper", "JUN"}, {"Saaremaa", "SAA"}, {"Lantern", "LAN"}, {"Heron", "HER"}, {"Meadow", "MEA"},
	{"Orchard", "ORC"}, {"Pebble", "PEB"}, {"Lighthouse", "LIG"}, {"Ember", "EMB"}, {"Drift", "DRI"}, {"Alder", "ALD"},
	{"Winter", "WIN"}, {"Midsummer", "MID"}, {"Kelp", "KEL"}, {"Barn", "BAR"}, {"Foundry", "FOU"}, {"Ridge", "RID"},
	{"Quarry", "QUA"}, {"Thistle", "THI"},
}

// materials are what things are made of. The last ones are sold as well, in
// Riga too: what the shelf and the storeroom have there adds up to a piece more
// than the whole pieces of each.
var materials = []struct{ sku, name, uom, stock, riga, storeroom string }{
	{"MAT-CLAY", "Stoneware clay", "kg", "612.5", "", ""},
	{"MAT-WAX", "Rapeseed wax", "kg", "148.35", "", ""},
	{"MAT-WOOL", "Merino yarn", "kg", "93.2", "", ""},
	{"MAT-PAPER", "Cotton paper", "sheets", "5400", "", ""},
	{"MAT-TIMBER", "Planed timber", "m3", "2.735", "", ""},
	{"MAT-OIL", "Olive oil base", "kg", "77.125", "", ""},
	{"MAT-LINEN", "Linen cloth", "m", "214.4", "", ""},
	{"MAT-LEATHER", "Vegetable-tanned leather", "m2", "38.61", "", ""},
	{"BOX-GIFT", "Gift box", "pcs", "240", "", ""},
	{"BOX-LARGE", "Large box", "pcs", "40", "", ""},
	{"BOX-SLIM", "Slim box", "pcs", "4", "", ""},
	{"LEATHER-OFFCUTS", "Leather offcuts", "kg", "12.75", "4.75", "3.5"},
	{"YARN-ENDS", "Yarn ends", "kg", "0.6", "0.6", "0.7"},
}
