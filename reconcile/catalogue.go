package reconcile

import (
	"context"
	"fmt"
	"slices"

	"stocksyncd/reconcile/desired"
	"stocksyncd/reconcile/inventory"
)

// editedMost is how many edited variants are read one by one: beyond that the
// whole catalogue takes fewer requests.
const editedMost = 1000

// readCatalogue reads the catalogue, or what has been edited in it.
func (c *cycle) readCatalogue(ctx context.Context, began bool) error {
	m, edited := c.mirror, c.heard.Edited
	if !began && !m.unlisted && !c.heard.Catalogue && len(edited) <= editedMost {
		return c.readEdited(ctx, edited)
	}
	variants, err := c.r.opts.Source.Catalogue(ctx)
	if err != nil {
		return err
	}
	listed := m.list(variants)
	m.unlisted = false
	if began { // what is read is kept when that is done
		listed.changed = slices.DeleteFunc(listed.changed, m.stocked)
	}
	return c.listed(listed)
}

// readEdited reads variants that were edited.
func (c *cycle) readEdited(ctx context.Context, edited []inventory.SourceVariantID) error {
	if len(edited) == 0 {
		return nil
	}
	variants, err := c.r.opts.Source.Variants(ctx, edited)
	if err != nil {
		return err
	}
	return c.listed(c.mirror.amend(edited, variants))
}

// listed takes in that the catalogue was read, or a part of it. What it says of
// a variant is kept whether or not its rows are ever read: one that is archived
// must not come back to life with a restart.
func (c *cycle) listed(l listing) error {
	m := c.mirror
	c.move(l.moved)
	if !m.partly {
		m.heat(c.started, l.fresh...)
	}
	c.kitsOld = c.kitsOld || l.kits
	slices.Sort(l.changed)
	return c.keep(l.changed, l.gone, nil)
}

// readRecipes reads what kits are made of, once a full cycle, and when a feed
// tells that it has changed. No figure depends on it, so a read that fails costs
// no more than the explanation of kits.
func (c *cycle) readRecipes(ctx context.Context) {
	c.kitsOld = c.kitsOld || c.ask.Kind == inventory.Full || c.heard.Recipes || c.heard.Catalogue || c.kits == nil
	if !c.kitsOld || c.narrow && c.kits != nil {
		return
	}
	var kits []inventory.SourceVariantID
	for v := range c.mirror.catalogue.All() {
		if v.Live() && v.Kit {
			kits = append(kits, v.ID)
		}
	}
	if len(kits) == 0 {
		c.kits, c.kitsOld, c.made = desired.NewKits(nil), false, nil
		return
	}
	ingredients, err := c.r.opts.Source.Recipes(ctx, kits)
	if err != nil {
		c.kitsErr = fmt.Errorf("what kits are made of could not be read; their figures are not touched by that: %w", err)
		return
	}
	c.kits, c.kitsOld, c.made = desired.NewKits(ingredients), false, ingredients
}

// around lists what the figures of one SKU and their explanation need: the
// variants that carry it, and what they are made of.
func (c *cycle) around(sku inventory.SKU) []inventory.SourceVariantID {
	var carry []inventory.SourceVariantID
	for v := range c.mirror.catalogue.All() {
		if v.SKU == sku {
			carry = append(carry, v.ID)
		}
	}
	return append(carry, c.kits.Within(carry...)...)
}
