package inventory_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stocksyncd/reconcile/inventory"
)

const one = inventory.Quantity(inventory.Scale)

func TestParseQuantityReadsPlainDecimalsExactly(t *testing.T) {
	tests := []struct {
		text string
		want inventory.Quantity
		back string
	}{
		{"7", 7 * one, "7"},
		{"7.00000", 7 * one, "7"},
		{"-1.5", -one * 3 / 2, "-1.5"},
		{"+1.5", one * 3 / 2, "1.5"},
		{"0", 0, "0"},
		{"-0", 0, "0"},
		{"-0.00000", 0, "0"},
		{"007", 7 * one, "7"},
		{"0.0000000001", 1, "0.0000000001"},
		{"-0.0000000001", -1, "-0.0000000001"},
		{"0.00000000010000", 1, "0.0000000001"},
		{"0.1", one / 10, "0.1"},
		{"1.23456", 12_345_600_000, "1.23456"},
		{"100000000", inventory.MaxQuantity, "100000000"},
		{"-100000000.0000000000", -inventory.MaxQuantity, "-100000000"},
		{"99999999.9999999999", inventory.MaxQuantity - 1, "99999999.9999999999"},
		{strings.Repeat("0", 100) + "1", one, "1"},
	}
	for _, tt := range tests {
		got, err := inventory.ParseQuantity(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("ParseQuantity(%q): got %d, %v, want %d", tt.text, got, err, tt.want)
		}
		if got.String() != tt.back {
			t.Errorf("ParseQuantity(%q).String(): got %q, want %q", tt.text, got, tt.back)
		}
	}
}

func TestParseQuantityRefusesWhatItWouldHaveToGuessOrRound(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := []struct{ text, want string }{
		{"", `"": not an exact decimal quantity`},
		{"-", `"-": not an exact decimal quantity`},
		{"+", `"+": not an exact decimal quantity`},
		{"+-5", `"+-5": not an exact decimal quantity`},
		{"--5", `"--5": not an exact decimal quantity`},
		{".5", `".5": not an exact decimal quantity`},
		{"5.", `"5.": not an exact decimal quantity`},
		{"1.2.3", `"1.2.3": not an exact decimal quantity`},
		{"1,5", `"1,5": not an exact decimal quantity`},
		{"1e3", `"1e3": not an exact decimal quantity`},
		{" 5", `" 5": not an exact decimal quantity`},
		{"5 ", `"5 ": not an exact decimal quantity`},
		{"0x10", `"0x10": not an exact decimal quantity`},
		{"1_000", `"1_000": not an exact decimal quantity`},
		{"NaN", `"NaN": not an exact decimal quantity`},
		{"٣", `"٣": not an exact decimal quantity`},
		{"0.00000000001", `"0.00000000001": not an exact decimal quantity: more than 10 decimals`},
		{"100000000.0000000001", `"100000000.0000000001": not an exact decimal quantity: larger than 100000000`},
		{"1000000000", `"1000000000": not an exact decimal quantity: larger than 100000000`},
		{"-999999999.9999999999", `"-999999999.9999999999": not an exact decimal quantity: larger than 100000000`},
		{"999999999.00000", `"999999999.00000": not an exact decimal quantity: larger than 100000000`},
		{"999999999.00000000001", `"999999999.00000000001": not an exact decimal quantity: more than 10 decimals`},
		{"1000000000x", `"1000000000x": not an exact decimal quantity`},
		{long, `"` + long[:40] + `…": not an exact decimal quantity`},
	}
	for _, tt := range tests {
		got, err := inventory.ParseQuantity(tt.text)
		if !errors.Is(err, inventory.ErrQuantity) || got != 0 {
			t.Errorf("ParseQuantity(%q): got %d, %v, want ErrQuantity", tt.text, got, err)
			continue
		}
		if err.Error() != tt.want {
			t.Errorf("ParseQuantity(%q): got %q, want %q", tt.text, err, tt.want)
		}
		if got, want := errors.Is(err, inventory.ErrTooLarge), strings.HasSuffix(tt.want, "larger than 100000000"); got != want {
			t.Errorf("ParseQuantity(%q): got that it is too large: %t, want %t", tt.text, got, want)
		}
	}
}

func TestFloorAndCeilRoundTowardsLessAndMoreStock(t *testing.T) {
	tests := []struct {
		text        string
		floor, ceil inventory.Units
	}{
		{"0", 0, 0}, {"7", 7, 7}, {"1.9", 1, 2}, {"0.5", 0, 1}, {"0.0000000001", 0, 1},
		{"-0.5", -1, 0}, {"-0.0000000001", -1, 0}, {"-1", -1, -1}, {"-1.5", -2, -1},
		{"100000000", 100_000_000, 100_000_000}, {"-99999999.5", -100_000_000, -99_999_999},
	}
	for _, tt := range tests {
		q := quantity(t, tt.text)
		if q.Floor() != tt.floor || q.Ceil() != tt.ceil {
			t.Errorf("%s: got floor %d and ceil %d, want %d and %d", tt.text, q.Floor(), q.Ceil(), tt.floor, tt.ceil)
		}
	}
}

func TestSumsThatDoNotFitSaySo(t *testing.T) {
	const most, least = inventory.Quantity(math.MaxInt64), inventory.Quantity(math.MinInt64)
	tests := []struct {
		name string
		got  func() (inventory.Quantity, bool)
		want inventory.Quantity
		ok   bool
	}{
		{"a plain sum", func() (inventory.Quantity, bool) { return one.Add(2 * one) }, 3 * one, true},
		{"a plain difference", func() (inventory.Quantity, bool) { return one.Sub(3 * one) }, -2 * one, true},
		{"the largest plus nothing", func() (inventory.Quantity, bool) { return most.Add(0) }, most, true},
		{"the largest plus one", func() (inventory.Quantity, bool) { return most.Add(1) }, 0, false},
		{"the least plus minus one", func() (inventory.Quantity, bool) { return least.Add(-1) }, 0, false},
		{"the least less one", func() (inventory.Quantity, bool) { return least.Sub(1) }, 0, false},
		{"nothing less the least", func() (inventory.Quantity, bool) { return inventory.Quantity(0).Sub(least) }, 0, false},
		{"minus one less the least", func() (inventory.Quantity, bool) { return inventory.Quantity(-1).Sub(least) }, most, true},
		{"the largest less the least", func() (inventory.Quantity, bool) { return most.Sub(least) }, 0, false},
		{"the least less itself", func() (inventory.Quantity, bool) { return least.Sub(least) }, 0, true},
	}
	for _, tt := range tests {
		if got, ok := tt.got(); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %d, %t, want %d, %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
	if got := least.String(); got != "-922337203.6854775808" {
		t.Errorf("the least quantity reads %q", got)
	}
}

func TestWholeUnitsBeyondTheBoundAreRefused(t *testing.T) {
	for _, u := range []inventory.Units{0, 1, -1, 100_000_000, -100_000_000} {
		if q, ok := inventory.Whole(u); !ok || q.Floor() != u || q.Ceil() != u {
			t.Errorf("Whole(%d): got %s, %t", u, q, ok)
		}
	}
	for _, u := range []inventory.Units{100_000_001, -100_000_001, math.MaxInt64, math.MinInt64} {
		if q, ok := inventory.Whole(u); ok || q != 0 {
			t.Errorf("Whole(%d): got %s, %t, want refused", u, q, ok)
		}
	}
}

func TestQuantityTravelsThroughJSONAsText(t *testing.T) {
	got, err := json.Marshal(map[string]inventory.Quantity{"q": quantity(t, "-1.50000")})
	if err != nil || string(got) != `{"q":"-1.5"}` {
		t.Errorf("got %s, %v", got, err)
	}
	for _, text := range []string{`"2.5"`, `2.5`, `2.50000`, `"+2.5"`} {
		var q inventory.Quantity
		if err := json.Unmarshal([]byte(text), &q); err != nil || q != quantity(t, "2.5") {
			t.Errorf("%s: got %s, %v, want 2.5", text, q, err)
		}
	}
	for _, text := range []string{`null`, `true`, `[]`, `{}`, `""`, `"x"`, `1e3`, `"1e3"`, `0.00000000001`, `1000000000000`} {
		q := 9 * one
		if err := json.Unmarshal([]byte(text), &q); !errors.Is(err, inventory.ErrQuantity) || q != 9*one {
			t.Errorf("%s: got %s, %v, want ErrQuantity and the value untouched", text, q, err)
		}
	}
}

// rat is the exact value of a quantity.
func rat(q inventory.Quantity) *big.Rat {
	return big.NewRat(int64(q), inventory.Scale)
}

func TestAnyQuantityReadsBackAsTheSameExactNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := inventory.Quantity(rapid.Int64Range(-int64(inventory.MaxQuantity), int64(inventory.MaxQuantity)).Draw(t, "q"))
		want, ok := new(big.Rat).SetString(q.String())
		if !ok || want.Cmp(rat(q)) != 0 {
			t.Fatalf("%d reads %q", int64(q), q)
		}
		if back, err := inventory.ParseQuantity(q.String()); err != nil || back != q {
			t.Fatalf("%q read back: got %d, %v, want %d", q, int64(back), err, int64(q))
		}
		data, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		var back inventory.Quantity
		if err := json.Unmarshal(data, &back); err != nil || back != q {
			t.Fatalf("%s read back: got %d, %v, want %d", data, int64(back), err, int64(q))
		}
	})
}

func TestAnyDecimalTextParsesToWhatExactArithmeticSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[+-]?[0-9]{1,10}(\.[0-9]{1,12})?`).Draw(t, "text")
		want, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no rational", text)
		}
		steps := new(big.Rat).Mul(want, new(big.Rat).SetInt64(inventory.Scale))
		fits := steps.IsInt() && new(big.Rat).Abs(want).Cmp(rat(inventory.MaxQuantity)) <= 0
		got, err := inventory.ParseQuantity(text)
		if (err == nil) != fits {
			t.Fatalf("ParseQuantity(%q): got %v, want an error: %t", text, err, !fits)
		}
		if large := errors.Is(err, inventory.ErrTooLarge); large != (steps.IsInt() && !fits) {
			t.Fatalf("ParseQuantity(%q): got %v, want that it is too large: %t", text, err, !large)
		}
		if fits && rat(got).Cmp(want) != 0 {
			t.Fatalf("ParseQuantity(%q): got %s", text, got)
		}
	})
}

func TestArithmeticAgreesWithBigIntegersOrSaysThatItDoesNotFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := inventory.Quantity(rapid.Int64().Draw(t, "a"))
		b := inventory.Quantity(rapid.Int64().Draw(t, "b"))
		check := func(name string, got inventory.Quantity, ok bool, want *big.Int) {
			if ok != want.IsInt64() || ok && int64(got) != want.Int64() {
				t.Fatalf("%d %s %d: got %d, %t, want %s", a, name, b, got, ok, want)
			}
		}
		x, y := big.NewInt(int64(a)), big.NewInt(int64(b))
		sum, ok := a.Add(b)
		check("plus", sum, ok, new(big.Int).Add(x, y))
		difference, ok := a.Sub(b)
		check("less", difference, ok, new(big.Int).Sub(x, y))
		// Euclidean division by a positive number is the floor.
		floor := new(big.Int).Div(x, big.NewInt(inventory.Scale))
		if got := a.Floor(); int64(got) != floor.Int64() {
			t.Fatalf("floor of %s: got %d, want %s", a, got, floor)
		}
		ceil := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(x), big.NewInt(inventory.Scale)))
		if got := a.Ceil(); int64(got) != ceil.Int64() {
			t.Fatalf("ceil of %s: got %d, want %s", a, got, ceil)
		}
	})
}

func FuzzParseQuantity(f *testing.F) {
	for _, seed := range []string{"7.00000", "-1.5", "", ".", "1e9", "100000000.0000000001", "0000000000000000000001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := inventory.ParseQuantity(text)
		if err != nil {
			if !errors.Is(err, inventory.ErrQuantity) || len(err.Error()) > 400 {
				t.Errorf("%q: got %v", text, err)
			}
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok || rat(got).Cmp(want) != 0 {
			t.Errorf("%q: got %s", text, got)
		}
		if again, err := inventory.ParseQuantity(got.String()); err != nil || again != got {
			t.Errorf("%q: %s read back as %s, %v", text, got, again, err)
		}
	})
}

func quantity(t *testing.T, text string) inventory.Quantity {
	t.Helper()
	q, err := inventory.ParseQuantity(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
