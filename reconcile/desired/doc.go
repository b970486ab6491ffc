// Package desired holds the stock rules: which Katana figure a Shopify level
// should show, or why it is left alone.
//
// It is pure: the same snapshot, mapping and levels give the same figures, in
// whatever order the pages arrived. [Resolve] turns a mapping of names into
// ids, [NewCatalogue] indexes a snapshot, and [Catalogue.Figures] is the rule
// itself. [NearMisses] and [DuplicateSKUs] list what keeps SKUs from being
// matched, or leaves it open which is meant; no figure depends on them.
package desired
