// Package katana reads what Katana's public API says of stock: locations, the
// catalogue, the inventory, the recipes of kits, the sales orders, and what
// changed of them. It never writes.
//
// Every read is complete or an error: pages are counted against the total
// that Katana promises, a listing that moves while it is read is read again,
// every filter is checked once more on the answer, and a field that is needed
// and missing is an error that names it. Quantities stay the exact decimals
// that Katana sent.
//
// Begin with [New], [Client.Catalogue], [Client.Inventory] and
// [Client.Changes]; what that names is read by [Client.Inventory] and
// [Client.Variants]. The API is described at
// https://developer.katanamrp.com/reference; where its pages and its answers
// are known to differ, the comment at the place says so.
package katana
