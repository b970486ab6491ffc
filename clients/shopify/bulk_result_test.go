package shopify

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"stocksyncd/reconcile/inventory"
)

// largeResult is a result of so many variants at three locations each, in any
// order; every line carries so many bytes that nobody asked for.
func largeResult(variants, ballast int) (file []byte, objects int64) {
	more := ""
	if ballast > 0 {
		more = fmt.Sprintf(`"more":%q,`, strings.Repeat("x", ballast))
	}
	var all []string
	for n := range int64(variants) {
		all = append(all, variantLine(n+1, n+1, fmt.Sprintf("SKU-%06d", n)))
		for location := range int64(3) {
			all = append(all, levelLine(n+1, location+1, int(n%50), fmt.Sprintf("ProductVariant/%d", n+1)))
		}
	}
	dice := rand.New(rand.NewPCG(1, 2))
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var b bytes.Buffer
	for _, line := range all {
		b.WriteString("{" + more + line[1:] + "\n")
	}
	return b.Bytes(), int64(len(all))
}

// readResult reads a file as it comes from a connection.
func readResult(file []byte, objects int64) ([]inventory.Level, error) {
	c := New(Options{Store: "main", Shop: "acme.myshopify.com", APIVersion: "2026-10"})
	look := &bulkLook{o: c.small("bulk query")}
	if err := look.read(struct{ io.Reader }{bytes.NewReader(file)}); err != nil {
		return nil, err
	}
	return allOf(look.levelsOf(objects))
}

// BenchmarkBulkResult reads 100,000 variants at 3 locations, in files of
// different sizes. What is allocated depends on the levels, not on the file.
func BenchmarkBulkResult(b *testing.B) {
	for _, ballast := range []int{0, 300, 1200} {
		file, objects := largeResult(100_000, ballast)
		b.Run(fmt.Sprintf("%d_MB", len(file)>>20), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				if levels, err := readResult(file, objects); err != nil || len(levels) != 300_000 {
					b.Fatal(len(levels), err)
				}
			}
		})
	}
}

func TestAResultTakesMemoryForItsLevelsAndNotForItsFile(t *testing.T) {
	const variants = 3000
	allocated := func(ballast int) (bytes uint64, size int) {
		file, objects := largeResult(variants, ballast)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		levels, err := readResult(file, objects)
		runtime.ReadMemStats(&after)
		if err != nil || len(levels) != 3*variants {
			t.Fatal(len(levels), err)
		}
		return after.TotalAlloc - before.TotalAlloc, len(file)
	}
	small, smallSize := allocated(0)
	large, largeSize := allocated(5000)
	if largeSize < 10*smallSize || large > small+small/4 {
		t.Errorf("%d bytes are allocated for a file of %d, and %d for one of %d with the same levels", small, smallSize, large, largeSize)
	}
}

// FuzzBulkResult gives anything as the result of a bulk query: nothing may
// panic, the order of the lines makes no difference, and what is taken for a
// complete read has no nameless level and none twice.
func FuzzBulkResult(f *testing.F) {
	shared := variantLine(2, 1, "MUG-1")
	for _, seed := range []string{
		"", "\n", "null", "[]", "{}", "{\"id\":1}", strings.Join(oneMug, "\n"), strings.Join(oneMug, "\r\n\n") + "\n", oneMug[0], oneMug[1],
		oneMug[1] + "\n" + oneMug[1], strings.Join(append(oneMug, shared), "\n"), strings.Join(append(oneMug, levelLine(1, 1, 4, "InventoryItem/1")), "\n"),
		strings.Join([]string{levelLine(1, 2, 4, "InventoryItem/1"), shared, levelLine(3, 1, 4, "ProductVariant/3"), variantLine(3, 3, " x ")}, "\n"),
		strings.Replace(oneMug[0], "InventoryLevel", "Product", 1), strings.Repeat(" ", bulkLineMost+1), strings.Repeat(" ", bulkLineMost) + "\n", "\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		parts, promised := bytes.Split(file, []byte("\n")), int64(0)
		for _, line := range parts {
			if len(bytes.TrimSpace(line)) > 0 {
				promised++
			}
		}
		levels, err := readResult(file, promised)
		slices.Reverse(parts)
		turned, turnedErr := readResult(bytes.Join(parts, []byte("\n")), promised)
		if (err == nil) != (turnedErr == nil) || !slices.Equal(levels, turned) {
			t.Errorf("%v and %v; backwards %v and %v", levels, err, turned, turnedErr)
		}
		if err != nil {
			if text := err.Error(); strings.ContainsAny(text, "\n\r") || len(levels) > 0 {
				t.Errorf("%d levels and the error %q", len(levels), text)
			}
			return
		}
		for i, level := range levels {
			if level.Item <= 0 || level.Variant <= 0 || (level.Location <= 0) != level.Unstocked || level.Store != "main" {
				t.Errorf("a level without a name: %+v", level)
			}
			if i > 0 && levels[i-1].Compare(level.Key) >= 0 {
				t.Errorf("%s stands behind %s", level, levels[i-1])
			}
		}
		if _, err := readResult(file, promised+1); err == nil {
			t.Error("a line that was promised did not come, and nobody minds")
		}
	})
}
