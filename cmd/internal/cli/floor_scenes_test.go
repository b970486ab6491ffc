package cli

import (
	"fmt"
	"testing"
	"time"

	"stocksyncd/clients/sandbox"
	"stocksyncd/reconcile"
	"stocksyncd/reconcile/inventory"
)

// half is the time between the cycles of most scenes.
const half = 30 * time.Second

// run lets cycles run.
func (f *floor) run(cycles int) {
	f.t.Helper()
	for range cycles {
		f.tick(half)
	}
}

func TestOverHTTPNoOrderIsOfferedAgainUntilKatanaCommitsIt(t *testing.T) {
	onFloor(t,
		scene{name: "two orders are imported one by one, and packed", play: func(f *floor) {
			f.sell("#1", atFront, 1)
			f.run(1)
			f.sell("#2", atFront, 2)
			f.run(1)
			f.bring("#1")
			f.run(2)
			f.bring("#2")
			f.run(1)
			f.do(sandbox.OrderPacked{Order: "#1"}, sandbox.OrderDelivered{Order: "#2"})
			f.run(1)
		}},
		scene{name: "Katana gains ten while one is sold", play: func(f *floor) {
			f.count("Main", 10)
			f.sell("#1", atFront, 1)
			f.run(4)
			f.bring("#1")
			f.run(2)
		}},
		scene{name: "levels and stores sell one Katana figure", play: func(f *floor) {
			f.count("Main", -17) // three are left
			f.run(1)
			for i, at := range []rack{atFront, atWindow, atOutlet} {
				f.sell(fmt.Sprint("#", i), at, 1)
				f.run(1)
			}
			for _, i := range []int{1, 0, 2} {
				f.bring(fmt.Sprint("#", i))
				f.run(1)
			}
		}},
		scene{name: "a sale at one location is imported at another", play: func(f *floor) {
			f.sell("#1", atFront, 2)
			f.run(1)
			f.bring("#1", "Side")
			f.run(2)
		}},
		scene{name: "mugs are added to an order", play: func(f *floor) {
			f.sell("#1", atFront, 2)
			f.run(1)
			f.bring("#1")
			f.run(1)
			f.add("#1", 1)
			f.run(2)
			f.bring("#1")
			f.run(2)
		}},
		scene{name: "a level is oversold", play: func(f *floor) {
			f.count("Main", -19)
			f.run(1)
			f.sell("#1", atFront, 1)
			f.sell("#2", atWindow, 2) // the shop sells on when it is out of stock
			f.run(1)
			f.bring("#1")
			f.run(1)
			f.bring("#2")
			f.run(1)
		}},
		scene{name: "Katana counts during open orders", play: func(f *floor) {
			f.sell("#1", atFront, 2)
			f.run(1)
			f.count("Main", 7)
			f.run(1)
			f.sell("#2", atOutlet, 1)
			f.run(1)
			f.count("Main", -12)
			f.run(1)
			f.bring("#1")
			f.bring("#2")
			f.run(1)
		}},
		scene{name: "hand edits down and up", play: func(f *floor) {
			f.edit(atFront, -3)
			f.run(2)
			f.edit(atWindow, 5)
			f.run(2)
			f.sell("#1", atWindow, 1)
			f.edit(atWindow, 2)
			f.run(2)
			f.bring("#1")
			f.run(1)
		}},
	)
}

func TestOverHTTPAnHourOfOneSaleAMinuteImportedAfterNinetySeconds(t *testing.T) {
	onFloor(t, scene{name: "an hour", play: func(f *floor) {
		f.count("Main", 100)
		f.tick(time.Minute)
		for i := range 120 {
			if i%2 == 0 {
				order := sandbox.OrderPlaced{Order: fmt.Sprint("#", i), Import: sandbox.Import{After: 90 * time.Second}}
				f.place(order, []rack{atFront, atWindow, atOutlet}[i/2%3], 1)
			}
			f.run(1)
		}
	}})
}

func TestOverHTTPOrdersThatReachKatanaLateKeepTheirUnits(t *testing.T) {
	onFloor(t,
		scene{name: "an order is paid after three days", late: true, play: func(f *floor) {
			f.place(sandbox.OrderPlaced{Order: "#1", Unpaid: true, Import: sandbox.Import{After: 90 * time.Second}}, atFront, 4)
			for range 9 {
				f.tick(8 * time.Hour)
			}
			f.count("Main", 5)
			f.run(2)
			f.pay("#1")
			f.run(5)
		}},
		scene{name: "a sale of the till is imported hours later", late: true, play: func(f *floor) {
			f.place(sandbox.OrderPlaced{Order: "#1", Till: true, Import: sandbox.Import{After: 5 * time.Hour}}, atFront, 2)
			for range 6 {
				f.tick(time.Hour)
			}
		}},
		scene{name: "a sale of the till is imported minutes later", play: func(f *floor) {
			f.place(sandbox.OrderPlaced{Order: "#1", Till: true, Import: sandbox.Import{After: 2 * time.Minute}}, atMarket, 2)
			f.run(6)
		}},
	)
}

func TestOverHTTPACancelledOrderIsSoldAgainOnce(t *testing.T) {
	var scenes []scene
	for _, gone := range []bool{false, true} {
		how := map[bool]string{false: "restocked", true: "not restocked"}[gone]
		scenes = append(scenes,
			scene{name: "cancelled before its import, " + how, play: func(f *floor) {
				f.sell("#1", atFront, 2)
				f.run(1)
				f.cancel("#1", gone, 0)
				f.run(2)
			}},
			scene{name: "cancelled after its import, " + how, play: func(f *floor) {
				f.sell("#1", atFront, 2)
				f.run(1)
				f.bring("#1")
				f.run(1)
				f.cancel("#1", gone, 50*time.Second)
				f.run(4)
			}},
		)
	}
	scenes = append(scenes, scene{name: "cancelled while no cycle runs for days", play: func(f *floor) {
		f.sell("#1", atFront, 2)
		f.run(1)
		f.cancel("#1", false, 0)
		f.pass(50 * time.Hour)
		f.clean(reconcile.Request{Kind: inventory.Full})
	}})
	onFloor(t, scenes...)
}

// TestOverHTTPRefunds takes mugs out of an order of three, before and after its
// import and after it was sent.
func TestOverHTTPRefunds(t *testing.T) {
	var scenes []scene
	for _, restock := range []bool{true, false} {
		for _, units := range []int{1, 3} {
			how := fmt.Sprintf("%d of 3, restocked %t, ", units, restock)
			scenes = append(scenes,
				scene{name: how + "before the import", play: func(f *floor) {
					f.sell("#1", atFront, 3)
					f.run(1)
					f.refund("#1", units, restock, 0)
					f.run(1)
					f.bring("#1")
					f.run(2)
					if units == 3 && !restock {
						f.tick(25 * time.Hour) // Katana never hears of what is gone
					}
				}},
				scene{name: how + "after the import", play: func(f *floor) {
					f.sell("#1", atFront, 3)
					f.run(1)
					f.bring("#1")
					f.run(1)
					f.refund("#1", units, restock, 50*time.Second)
					f.run(4)
				}},
				scene{name: how + "after it was sent", play: func(f *floor) {
					f.sell("#1", atFront, 3)
					f.run(1)
					f.bring("#1")
					f.run(1)
					f.do(sandbox.OrderDelivered{Store: "main", Order: "#1"})
					f.run(1)
					f.refund("#1", units, restock, 50*time.Second)
					f.run(4)
				}},
			)
		}
	}
	onFloor(t, scenes...)
}
