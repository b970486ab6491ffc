package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// faultKeys lists, for each kind that the command line knows, the settings it
// takes beside after, times, chance and seed.
var faultKeys = map[FaultKind][]string{
	FaultStatus:      {"status", "wait"},
	FaultThrottle:    {"wait"},
	FaultResetBefore: nil,
	FaultResetAfter:  nil,
	FaultHang:        {"wait"},
	FaultHangAfter:   {"wait"},
	FaultTruncate:    nil,
	FaultCutJSON:     nil,
	FaultMalformed:   nil,
	FaultShortPage:   {"rows"},
	FaultMissingRows: {"rows"},
}

// faultForm is the form of a line, for help texts and errors.
const faultForm = "KIND API [OPERATION] [KEY=VALUE ...], such as \"status katana /inventory status=503 times=3\""

// ParseFault reads a fault from a line
//
//	KIND API [OPERATION] [KEY=VALUE ...]
//
// KIND is a [FaultKind] other than the hooks. API is katana, shopify/STORE,
// shopify or any. OPERATION is a Katana path (/inventory), the name of a
// GraphQL operation or field (inventorySetQuantities), access_token, or
// bulk_result for the file that a bulk query leaves. The keys are after=N,
// times=N or times=always, chance=0.1, seed=N, and, where the kind has use for
// them, status=503, wait=5s and rows=2.
func ParseFault(line string) (Fault, error) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return Fault{}, errors.New("want " + faultForm)
	}
	f := Fault{Kind: FaultKind(words[0])}
	own, known := faultKeys[f.Kind]
	if !known {
		return Fault{}, fmt.Errorf("%q is not a kind of fault: use one of %s", clipText(words[0]), strings.Join(FaultKinds(), ", "))
	}
	if err := f.setAPI(words[1]); err != nil {
		return Fault{}, err
	}
	words = words[2:]
	if len(words) > 0 && !strings.Contains(words[0], "=") {
		f.Op = words[0]
		words = words[1:]
	}
	keys := slices.Concat([]string{"after", "times", "chance", "seed"}, own)
	var done []string
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		switch {
		case !ok:
			return Fault{}, fmt.Errorf("%q is not KEY=VALUE: want %s", clipText(word), faultForm)
		case slices.Contains(done, key):
			return Fault{}, fmt.Errorf("%s is given twice", key)
		case !slices.Contains(keys, key):
			return Fault{}, fmt.Errorf("%s does not take %q: use one of %s", f.Kind, clipText(key), strings.Join(keys, ", "))
		}
		done = append(done, key)
		if err := f.set(key, value); err != nil {
			return Fault{}, fmt.Errorf("%s=%s: %w", key, clipText(value), err)
		}
	}
	return f, nil
}

// FaultKinds lists the kinds that [ParseFault] takes, sorted.
func FaultKinds() []string {
	var kinds []string
	for kind := range faultKeys {
		kinds = append(kinds, string(kind))
	}
	slices.Sort(kinds)
	return kinds
}

func (f *Fault) setAPI(word string) error {
	store, ok := strings.CutPrefix(word, "shopify/")
	switch {
	case word == "any":
		return nil
	case word == "katana", word == "shopify", ok && store != "" && !strings.Contains(word, "="):
		f.API = word
		return nil
	}
	return fmt.Errorf("unknown api %q: want katana, shopify/STORE, shopify or any", clipText(word))
}

func (f *Fault) set(key, value string) (err error) {
	switch key {
	case "after":
		f.After, err = wholeBetween(value, 0, 1_000_000_000)
	case "times":
		if value == "always" {
			f.Count = -1
			return nil
		}
		f.Count, err = wholeBetween(value, 1, 1_000_000_000)
	case "chance":
		f.Chance, err = strconv.ParseFloat(value, 64)
		if err != nil || !(f.Chance > 0 && f.Chance <= 1) {
			return errors.New("want a probability above 0 and up to 1, such as 0.1")
		}
	case "seed":
		f.Seed, err = strconv.ParseUint(value, 10, 64)
		if err != nil {
			return errors.New("want a whole number")
		}
	case "status":
		f.Status, err = wholeBetween(value, 400, 599)
	case "rows":
		f.Rows, err = wholeBetween(value, 1, 1_000_000)
	case "wait":
		f.Wait, err = time.ParseDuration(value)
		if err != nil || f.Wait <= 0 {
			return errors.New("want a duration above zero, such as 500ms or 5s")
		}
	}
	return err
}

func wholeBetween(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("want a whole number from %d to %d", least, most)
	}
	return n, nil
}

// String writes the fault as [ParseFault] reads it.
func (f Fault) String() string {
	words := []string{string(f.Kind), f.API}
	if f.API == "" {
		words[1] = "any"
	}
	if f.Op != "" {
		words = append(words, f.Op)
	}
	if f.After > 0 {
		words = append(words, fmt.Sprintf("after=%d", f.After))
	}
	switch {
	case f.Count < 0:
		words = append(words, "times=always")
	case f.Count > 0:
		words = append(words, fmt.Sprintf("times=%d", f.Count))
	}
	if f.Chance > 0 {
		words = append(words, "chance="+strconv.FormatFloat(f.Chance, 'g', -1, 64))
	}
	if f.Seed > 0 {
		words = append(words, fmt.Sprintf("seed=%d", f.Seed))
	}
	if f.Status > 0 {
		words = append(words, fmt.Sprintf("status=%d", f.Status))
	}
	if f.Wait > 0 {
		words = append(words, "wait="+f.Wait.String())
	}
	if f.Rows > 0 {
		words = append(words, fmt.Sprintf("rows=%d", f.Rows))
	}
	return strings.Join(words, " ")
}

// clipText keeps an error about hostile input short.
func clipText(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
