package sandbox

import "testing"

func TestAConnectionInAFragmentCostsWhatItCostsInPlace(t *testing.T) {
	const plain = `{ productVariants(first: 250) { edges { cursor node { id inventoryItem { id inventoryLevels(first: 10) {
		edges { cursor node { location { id } } } pageInfo { hasNextPage } } } } } pageInfo { hasNextPage } } }`
	const spread = `{ productVariants(first: 250) { ...variants } }
		fragment variants on ProductVariantConnection { edges { cursor node { id inventoryItem { ...item } } } pageInfo { hasNextPage } }
		fragment item on InventoryItem { id inventoryLevels(first: 10) { ... on InventoryLevelConnection { ...levels pageInfo { hasNextPage } } } }
		fragment levels on InventoryLevelConnection { edges { cursor node { location { id } } } }`
	w := newTiny(t, StoreOptions{})
	want, got := ask(t, w.Shopify(""), plain, nil).Extra.Cost, ask(t, w.Shopify(""), spread, nil).Extra.Cost
	// A level is 2 objects, 10 of them 4 doublings, 250 variants 8.
	if levels := connectionCost + 2*4; want.Requested != connectionCost+(1+1+levels)*8 {
		t.Errorf("in place: %d points", want.Requested)
	}
	if got.Requested != want.Requested || got.Actual == nil || want.Actual == nil || *got.Actual != *want.Actual {
		t.Errorf("in fragments: %d points and %v charged, want %d and %v", got.Requested, got.Actual, want.Requested, want.Actual)
	}
}
