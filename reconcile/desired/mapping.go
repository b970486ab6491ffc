package desired

// Mapping is one store's location mapping as the config writes it.
type Mapping struct {
	Locations []Pair
	Default   string // Katana location of the Shopify locations not named; "" leaves them alone
}

// Pair maps one Shopify location to the Katana locations that feed it.
type Pair struct {
	Target  string   // the Shopify location's name, or gid://shopify/Location/N
	Sources []string // names of Katana locations; several are summed
}
