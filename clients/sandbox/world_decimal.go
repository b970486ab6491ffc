package sandbox

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// decimal is an exact quantity in hundred-thousandths, which is as fine as
// Katana's answers are.
type decimal int64

const (
	decimalPlaces         = 5
	decimalOne    decimal = 100_000
	// decimalMost keeps sums and products of sane figures far from overflow.
	decimalMost = 1_000_000_000 * decimalOne
)

// parseDecimal reads a figure such as "12", "-3.5" or "0.00001". More than
// five decimals, exponents and figures beyond a billion are refused.
func parseDecimal(text string) (decimal, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, part, dot := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 10 || len(part) > decimalPlaces || dot && part == "" {
		return 0, fmt.Errorf("%q is not a quantity: give digits with at most %d decimals", text, decimalPlaces)
	}
	n, err := strconv.ParseUint(whole+part+strings.Repeat("0", decimalPlaces-len(part)), 10, 62)
	if err != nil || decimal(n) > decimalMost { // #nosec G115 -- 62 bits
		return 0, fmt.Errorf("%q is not a quantity: give digits with at most %d decimals, up to a billion", text, decimalPlaces)
	}
	if negative {
		return -decimal(n), nil // #nosec G115 -- 62 bits
	}
	return decimal(n), nil // #nosec G115 -- 62 bits
}

// units makes a decimal of whole pieces.
func units(n int) decimal { return decimal(n) * decimalOne }

// times multiplies exactly and rounds what is finer than a decimal away from
// zero, as a recipe cannot use less than it needs.
func (d decimal) times(factor decimal) decimal {
	product := new(big.Int).Mul(big.NewInt(int64(d)), big.NewInt(int64(factor)))
	quotient, rest := new(big.Int).QuoRem(product, big.NewInt(int64(decimalOne)), new(big.Int))
	if rest.Sign() != 0 {
		quotient.Add(quotient, big.NewInt(int64(rest.Sign())))
	}
	return decimal(quotient.Int64())
}

// fits counts how often part fits into d, in whole times; never below zero.
func (d decimal) fits(part decimal) int {
	if part <= 0 || d <= 0 {
		return 0
	}
	return int(d / part)
}

// floor is the whole pieces in d, rounded down.
func (d decimal) floor() int {
	whole := d / decimalOne
	if d%decimalOne < 0 {
		whole--
	}
	return int(whole)
}

// text writes d with at least five decimals, such as "7.00000".
func (d decimal) text(places int) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d.%05d%s", sign, d/decimalOne, d%decimalOne, strings.Repeat("0", max(0, places-decimalPlaces)))
}

// String writes d without trailing zeros.
func (d decimal) String() string {
	return strings.TrimSuffix(strings.TrimRight(d.text(decimalPlaces), "0"), ".")
}

// number is d as a JSON number, which is exact.
func (d decimal) number() json.Number { return json.Number(d.String()) }
