package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Quantity is an exact decimal count of stock, as Katana keeps it: a whole
// number of ten-billionths of a unit. The zero value is zero units.
//
// Katana answers quantities with five decimals, recipes with ten; a figure
// beyond ±[MaxQuantity] or with more than ten decimals is refused, never
// rounded.
type Quantity int64

// Scale is the number of Quantity steps in one unit.
const Scale = 10_000_000_000

// MaxQuantity bounds what [ParseQuantity] accepts, so that sums of a few
// figures stay far from overflow; [Quantity.Add] checks all the same.
const MaxQuantity Quantity = 100_000_000 * Scale

// Units is a whole number of pieces, as Shopify counts stock. It can be
// negative: Shopify oversells below zero.
type Units int64

// ErrQuantity reports text that is not an exact quantity.
var ErrQuantity = errors.New("not an exact decimal quantity")

// ErrTooLarge reports a decimal that is beyond ±[MaxQuantity]. It is an
// [ErrQuantity], too.
var ErrTooLarge = fmt.Errorf("%w: larger than %s", ErrQuantity, MaxQuantity)

// ParseQuantity reads a plain decimal such as "7", "-1.5" or "7.00000".
// Exponents, signs other than a leading minus or plus, more than ten decimals
// (beyond trailing zeros) and figures above [MaxQuantity] are errors; of a
// decimal at which only its size is wrong the error is [ErrTooLarge].
func ParseQuantity(s string) (Quantity, error) {
	text := s
	negative := false
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		negative, text = true, rest
	} else {
		text = strings.TrimPrefix(text, "+")
	}
	whole, fraction, pointed := strings.Cut(text, ".")
	fraction = strings.TrimRight(fraction, "0")
	switch {
	case whole == "" || !digits(whole) || !digits(fraction):
		return 0, fmt.Errorf("%q: %w", clip(s), ErrQuantity)
	case pointed && strings.HasSuffix(text, "."):
		return 0, fmt.Errorf("%q: %w", clip(s), ErrQuantity)
	case len(fraction) > 10:
		return 0, fmt.Errorf("%q: %w: more than 10 decimals", clip(s), ErrQuantity)
	}
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > 9 {
		return 0, fmt.Errorf("%q: %w", clip(s), ErrTooLarge)
	}
	// At most 9 + 10 digits: one more than an int64 is sure to hold, hence unsigned.
	n, err := strconv.ParseUint("0"+whole+fraction+"0000000000"[len(fraction):], 10, 64)
	if err != nil || n > uint64(MaxQuantity) {
		return 0, fmt.Errorf("%q: %w", clip(s), ErrTooLarge)
	}
	q := Quantity(n) // #nosec G115 -- bounded by MaxQuantity above
	if negative {
		q = -q
	}
	return q, nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// clip keeps an error about hostile input short.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// Whole is the quantity of u units; ok is false when u is beyond ±[MaxQuantity].
func Whole(u Units) (q Quantity, ok bool) {
	if u > Units(MaxQuantity/Scale) || u < -Units(MaxQuantity/Scale) {
		return 0, false
	}
	return Quantity(u) * Scale, true
}

// Add is q + other; ok is false when the sum does not fit, and then the sum
// must not be used.
func (q Quantity) Add(other Quantity) (sum Quantity, ok bool) {
	sum = q + other
	if (other > 0 && sum < q) || (other < 0 && sum > q) {
		return 0, false
	}
	return sum, true
}

// Sub is q − other; ok is false when the difference does not fit, and then it
// must not be used.
func (q Quantity) Sub(other Quantity) (difference Quantity, ok bool) {
	difference = q - other
	if (other > 0 && difference > q) || (other < 0 && difference < q) {
		return 0, false
	}
	return difference, true
}

// Floor is the largest whole number of units that is not above q: what can be
// sold of 1.9 is 1, and −0.5 is −1.
func (q Quantity) Floor() Units {
	whole := q / Scale
	if q%Scale < 0 {
		whole--
	}
	return Units(whole)
}

// Ceil is the smallest whole number of units that is not below q: half a unit
// that is sold takes a whole one away.
func (q Quantity) Ceil() Units {
	whole := q / Scale
	if q%Scale > 0 {
		whole++
	}
	return Units(whole)
}

// String writes the exact figure without trailing zeros: "7", "-1.5".
func (q Quantity) String() string {
	n := uint64(q) // #nosec G115 -- wraps, and is turned around below
	sign := ""
	if q < 0 {
		n, sign = -n, "-"
	}
	text := fmt.Sprintf("%s%d.%010d", sign, n/Scale, n%Scale)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// MarshalJSON writes the figure as a JSON string, so that no reader takes it
// through a float.
func (q Quantity) MarshalJSON() ([]byte, error) { return []byte(`"` + q.String() + `"`), nil }

// UnmarshalJSON reads the figure from a JSON string or a plain JSON number.
func (q *Quantity) UnmarshalJSON(data []byte) error {
	text := string(data)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("%s: %w", clip(string(data)), ErrQuantity)
		}
	}
	parsed, err := ParseQuantity(text)
	if err != nil {
		return err
	}
	*q = parsed
	return nil
}
