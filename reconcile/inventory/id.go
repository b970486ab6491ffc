package inventory

import (
	"fmt"
	"strconv"
	"strings"
)

// StoreName names one store of the config, such as "main".
type StoreName string

// SKU is the code that joins both sides: the Shopify variant's SKU and the
// Katana variant's code, compared byte for byte after [TrimSKU].
type SKU string

// TrimSKU takes the outer white space off both ends, the only liberty that
// matching takes.
func TrimSKU(s string) SKU { return SKU(strings.TrimSpace(s)) }

// ItemID is the number of a Shopify inventory item.
type ItemID int64

// VariantID is the number of a Shopify product variant.
type VariantID int64

// LocationID is the number of a Shopify location.
type LocationID int64

// Shopify names its objects by global ids whose last part is the number:
// gid://shopify/InventoryItem/1.
const (
	itemPrefix     = "gid://shopify/InventoryItem/"
	variantPrefix  = "gid://shopify/ProductVariant/"
	locationPrefix = "gid://shopify/Location/"
)

func (id ItemID) String() string     { return itemPrefix + strconv.FormatInt(int64(id), 10) }
func (id VariantID) String() string  { return variantPrefix + strconv.FormatInt(int64(id), 10) }
func (id LocationID) String() string { return locationPrefix + strconv.FormatInt(int64(id), 10) }

// ParseItemID reads gid://shopify/InventoryItem/N.
func ParseItemID(gid string) (ItemID, error) { return parseGID[ItemID](gid, itemPrefix) }

// ParseVariantID reads gid://shopify/ProductVariant/N.
func ParseVariantID(gid string) (VariantID, error) { return parseGID[VariantID](gid, variantPrefix) }

// ParseLocationID reads gid://shopify/Location/N.
func ParseLocationID(gid string) (LocationID, error) {
	return parseGID[LocationID](gid, locationPrefix)
}

func parseGID[T ~int64](gid, prefix string) (T, error) {
	number, ok := strings.CutPrefix(gid, prefix)
	if n, plain := parseNumber(number); ok && plain {
		return T(n), nil
	}
	return 0, fmt.Errorf("%q is not of the form %sN", clip(gid), prefix)
}

// parseNumber reads a positive id in the one form that it is written in: a
// leading zero or sign would make two texts of one id.
func parseNumber(s string) (n int64, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == s
}

// MarshalText writes the global id, the form that Shopify's tools show; the
// zero id, that of no item, is empty text.
func (id ItemID) MarshalText() ([]byte, error) { return marshalGID(id, id.String()), nil }

// UnmarshalText reads the global id.
func (id *ItemID) UnmarshalText(text []byte) error { return unmarshalGID(id, text, itemPrefix) }

// MarshalText writes the global id, the form that Shopify's tools show; the
// zero id, that of no variant, is empty text.
func (id VariantID) MarshalText() ([]byte, error) { return marshalGID(id, id.String()), nil }

// UnmarshalText reads the global id.
func (id *VariantID) UnmarshalText(text []byte) error { return unmarshalGID(id, text, variantPrefix) }

// MarshalText writes the global id, the form that Shopify's tools show; the
// zero id, that of no location, is empty text.
func (id LocationID) MarshalText() ([]byte, error) { return marshalGID(id, id.String()), nil }

// UnmarshalText reads the global id.
func (id *LocationID) UnmarshalText(text []byte) error { return unmarshalGID(id, text, locationPrefix) }

// marshalGID keeps the zero id readable: gid://shopify/ProductVariant/0 names
// nothing, and one such line would make a whole record unreadable.
func marshalGID[T ~int64](id T, gid string) []byte {
	if id == 0 {
		return []byte{}
	}
	return []byte(gid)
}

func unmarshalGID[T ~int64](id *T, text []byte, prefix string) (err error) {
	if len(text) == 0 {
		*id = 0
		return nil
	}
	*id, err = parseGID[T](string(text), prefix)
	return err
}

// SourceVariantID is the number of a Katana variant.
type SourceVariantID int64

// SourceLocationID is the number of a Katana location.
type SourceLocationID int64

// sourceLocationForm begins a Katana location's id where its name may stand.
const sourceLocationForm = "id:"

// String writes the id as a config takes it: id:2201.
func (id SourceLocationID) String() string {
	return sourceLocationForm + strconv.FormatInt(int64(id), 10)
}

// ParseSourceLocationID reads id:N. Text that does not begin so is no id but a
// name, for which the id is 0.
func ParseSourceLocationID(text string) (SourceLocationID, error) {
	number, ok := strings.CutPrefix(text, sourceLocationForm)
	if !ok {
		return 0, nil
	}
	n, ok := parseNumber(number)
	if !ok {
		return 0, fmt.Errorf("%q is not an id such as id:2201", clip(text))
	}
	return SourceLocationID(n), nil
}

// Key names one level: one inventory item at one location of one store.
// SKUs repeat, within a store and across stores, so they cannot be part of it.
type Key struct {
	Store    StoreName  `json:"store"`
	Item     ItemID     `json:"inventory_item_id"`
	Location LocationID `json:"location_id"`
}

// Compare orders keys by store, then item, then location, so that everything
// which is listed or written comes in one fixed order.
func (k Key) Compare(other Key) int {
	if c := strings.Compare(string(k.Store), string(other.Store)); c != 0 {
		return c
	}
	if k.Item != other.Item {
		return sign(k.Item < other.Item)
	}
	if k.Location != other.Location {
		return sign(k.Location < other.Location)
	}
	return 0
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

// String writes the key as the release command takes it: store/item/location,
// with plain numbers.
func (k Key) String() string {
	return fmt.Sprintf("%s/%d/%d", k.Store, int64(k.Item), int64(k.Location))
}

// ParseKey reads what [Key.String] writes.
func ParseKey(s string) (Key, error) {
	parts := strings.Split(s, "/")
	if len(parts) == 3 && parts[0] != "" {
		item, okItem := parseNumber(parts[1])
		location, okLocation := parseNumber(parts[2])
		if okItem && okLocation {
			return Key{StoreName(parts[0]), ItemID(item), LocationID(location)}, nil
		}
	}
	return Key{}, fmt.Errorf("%q is not a level: want store/item/location, such as main/4711/42", clip(s))
}
