package katana

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"stocksyncd/reconcile/inventory"
)

type variantWire struct {
	ID       token `json:"id"`
	SKU      token `json:"sku"`
	Product  token `json:"product_id"`
	Material token `json:"material_id"`
	Created  token `json:"created_at"`
	Deleted  token `json:"deleted_at"`
}

// variant is a variant before it is joined with its parent. Archiving is on
// the parent alone, and so is what makes a kit.
type variant struct {
	inventory.SourceVariant
	product, material int64 // 0: none
}

func readVariant(f *fields, w *variantWire) variant {
	if len(w.SKU) == 0 { // null is a variant without one
		f.fail("sku", errMissing)
	}
	return variant{
		SourceVariant: inventory.SourceVariant{
			ID:      inventory.SourceVariantID(f.id("id", w.ID)),
			SKU:     inventory.TrimSKU(f.text("sku", w.SKU)),
			Created: f.time("created_at", w.Created),
			Deleted: !w.Deleted.empty(),
		},
		product:  f.idOrZero("product_id", w.Product),
		material: f.idOrZero("material_id", w.Material),
	}
}

type parentWire struct {
	ID       token `json:"id"`
	Kit      token `json:"is_auto_assembly"`
	Archived token `json:"archived_at"`
	Deleted  token `json:"deleted_at"`
}

// parent is what a product, material or service says of its variants.
type parent struct {
	id                     int64
	kit, archived, deleted bool
}

func readMaterial(f *fields, w *parentWire) parent {
	return parent{
		id:       f.id("id", w.ID),
		archived: !w.Archived.empty(), deleted: !w.Deleted.empty(),
	}
}

func readProduct(f *fields, w *parentWire) parent {
	p := readMaterial(f, w)
	p.kit = f.flag("is_auto_assembly", w.Kit)
	return p
}

type serviceWire struct {
	parentWire
	Variants []variantWire `json:"variants"`
}

type service struct {
	id       int64
	variants []variant
}

// readService takes the variants from inside the service: nowhere else can it
// be seen that they belong to one.
func readService(f *fields, w *serviceWire) service {
	self := readMaterial(f, &w.parentWire)
	s := service{id: self.id}
	for i := range w.Variants {
		v := readVariant(f, &w.Variants[i])
		v.Service = true
		v.Archived = self.archived
		v.Deleted = v.Deleted || self.deleted
		s.variants = append(s.variants, v)
	}
	return s
}

// whole asks for archived and deleted records too: a SKU whose only variant is
// archived must be known as such, not as missing.
func whole() url.Values {
	return url.Values{"include_archived": {"true"}, "include_deleted": {"true"}}
}

// errOrphan reports a variant whose product or material was not listed.
var errOrphan = errors.New("it belongs to nothing that Katana lists")

// Catalogue reads all variants that carry a SKU, sorted by id, archived and
// deleted ones and services included. A variant whose parent is missing may have
// been caught in the middle of an edit, so all is read once more; then it is an
// error, since nobody can tell whether it is archived or a kit.
func (c *Client) Catalogue(ctx context.Context) ([]inventory.SourceVariant, error) {
	variants, err := c.readCatalogue(ctx)
	if errors.Is(err, errOrphan) {
		variants, err = c.readCatalogue(ctx)
	}
	return variants, err
}

// readCatalogue reads the variants before their parents, so that a parent is
// missing only if it was deleted for good in between.
func (c *Client) readCatalogue(ctx context.Context) ([]inventory.SourceVariant, error) {
	listed, err := variantList.all(ctx, c)
	if err != nil {
		return nil, err
	}
	listed = slices.DeleteFunc(listed, noSKU)
	products, err := c.parents(ctx, productList, slices.ContainsFunc(listed, func(v variant) bool { return v.product > 0 }))
	if err != nil {
		return nil, err
	}
	materials, err := c.parents(ctx, materialList, slices.ContainsFunc(listed, func(v variant) bool { return v.material > 0 }))
	if err != nil {
		return nil, err
	}
	services, err := c.services(ctx)
	if err != nil {
		return nil, err
	}
	return join(listed, products, materials, services)
}

func noSKU(v variant) bool { return v.SKU == "" }

// The lists of the catalogue, archived and deleted records included.
var (
	variantList = listing[variantWire, variant, inventory.SourceVariantID]{
		name: "variants", path: "/variants", query: whole(), read: readVariant,
		id: func(v variant) inventory.SourceVariantID { return v.ID },
	}
	productList  = parentList{name: "products", path: "/products", query: whole(), read: readProduct, id: parentID}
	materialList = parentList{name: "materials", path: "/materials", query: whole(), read: readMaterial, id: parentID}
)

type parentList = listing[parentWire, parent, int64]

func parentID(p parent) int64 { return p.id }

// parents reads the products or materials, if any variant needs them.
func (c *Client) parents(ctx context.Context, list parentList, needed bool) (map[int64]parent, error) {
	if !needed {
		return nil, nil
	}
	all, err := list.all(ctx, c)
	return parentsByID(all), err
}

func parentsByID(all []parent) map[int64]parent {
	byID := make(map[int64]parent, len(all))
	for _, p := range all {
		byID[p.id] = p
	}
	return byID
}

// services lists the variants of all services.
func (c *Client) services(ctx context.Context) (map[inventory.SourceVariantID]variant, error) {
	all, err := listing[serviceWire, service, int64]{
		name: "services", path: "/services", query: whole(), read: readService,
		id: func(s service) int64 { return s.id },
	}.all(ctx, c)
	if err != nil {
		return nil, err
	}
	byID := map[inventory.SourceVariantID]variant{}
	for _, s := range all {
		for _, v := range s.variants {
			byID[v.ID] = v
		}
	}
	return byID, nil
}

func join(listed []variant, products, materials map[int64]parent, services map[inventory.SourceVariantID]variant) ([]inventory.SourceVariant, error) {
	joined := make([]inventory.SourceVariant, 0, len(listed)+len(services))
	for _, v := range listed {
		if _, ok := services[v.ID]; ok {
			continue // added below, as the service has it
		}
		p, ok := products[v.product]
		if !ok {
			p, ok = materials[v.material]
		}
		if !ok && !v.Deleted {
			return nil, fmt.Errorf("katana: variants: variant %d, SKU %q (product %d, material %d): %w", v.ID, v.SKU, v.product, v.material, errOrphan)
		}
		v.Kit, v.Archived, v.Deleted = p.kit, p.archived, v.Deleted || p.deleted
		joined = append(joined, v.SourceVariant)
	}
	for _, v := range services {
		if v.SKU != "" {
			joined = append(joined, v.SourceVariant)
		}
	}
	slices.SortFunc(joined, func(a, b inventory.SourceVariant) int { return cmp.Compare(a.ID, b.ID) })
	return joined, nil
}
