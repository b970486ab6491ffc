package sandbox

import "math/rand/v2"

// Drifted is a level that Drift has put out of step.
type Drifted struct {
	Store, SKU, Location string
	Kind                 string // one of DriftKinds
	Available, Desired   int    // what the store shows and what it should
}

// The kinds of drift, in the order in which they are dealt out.
const (
	DriftTooHigh  = "too high"
	DriftTooLow   = "too low"
	DriftOnSale   = "sold out but on sale"
	DriftShownOut = "in stock but shown as 0"
	DriftNegative = "negative"
)

var driftKinds = []string{DriftTooHigh, DriftTooLow, DriftOnSale, DriftShownOut, DriftNegative}

// Drift edits about one in eight of the stores' levels by hand, so that every
// kind of drift is there if the shop is large enough, and tells which. It
// leaves alone what a daemon would not put right by the stores' configs, and
// SKUs that are not alone on both sides.
func Drift(w *World, seed uint64) []Drifted {
	dice := rand.New(rand.NewPCG(seed, 0xd41f7)) // #nosec G404 -- a repeatable game, no secret
	levels := w.comparable()
	dice.Shuffle(len(levels), func(i, j int) { levels[i], levels[j] = levels[j], levels[i] })
	kind := 0
	var out []Drifted
	for _, d := range levels[:len(levels)/8] {
		for range driftKinds {
			d.Kind = driftKinds[kind%len(driftKinds)]
			kind++
			if d.bend(dice) {
				break
			}
		}
		if err := w.Do(HandEdit{Store: d.Store, SKU: d.SKU, Location: d.Location, Available: d.Available}); err == nil {
			out = append(out, d)
		}
	}
	return out
}

// bend changes the figure to one of its kind, if that is possible for it.
func (d *Drifted) bend(dice *rand.Rand) bool {
	have := d.Desired
	switch {
	case d.Kind == DriftTooHigh && have > 0:
		d.Available = have + 1 + dice.IntN(4)
	case d.Kind == DriftTooLow && have > 1:
		d.Available = have - 1 - dice.IntN(min(4, have-1))
	case d.Kind == DriftOnSale && have == 0:
		d.Available = 1 + dice.IntN(3)
	case d.Kind == DriftShownOut && have > 0:
		d.Available = 0
	case d.Kind == DriftNegative && have > 0: // below zero is as good as zero
		d.Available = -1 - dice.IntN(3)
	default:
		return false
	}
	return true
}

// comparable lists the levels that a daemon puts right by the stores' configs,
// in the order of the stores.
func (w *World) comparable() []Drifted {
	w.lock()
	defer w.mu.Unlock()
	var out []Drifted
	for _, s := range w.stores {
		wish := w.wishesOf(s)
		for _, l := range s.listings {
			if w.katana.liveOnes(l.sku) != 1 || len(s.bySKU[l.sku]) != 1 {
				continue
			}
			for _, level := range l.levels {
				if want, ours := wish.figure(level); ours {
					out = append(out, Drifted{Store: s.name, SKU: l.sku, Location: level.location.name, Available: level.available, Desired: want})
				}
			}
		}
	}
	return out
}

func (k *katanaWorld) liveOnes(sku string) int {
	n := 0
	for _, v := range k.bySKU[sku] {
		if v.live() {
			n++
		}
	}
	return n
}
