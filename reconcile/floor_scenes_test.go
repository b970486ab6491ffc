package reconcile_test

import (
	"fmt"
	"testing"
	"time"
)

func TestTwoOrdersImportedOneByOneAreOfferedToNobodyElse(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.place("#1", atFront, 1)
		f.tick(30 * time.Second)
		f.place("#2", atFront, 2)
		f.tick(30 * time.Second)
		f.bring("#1")
		f.tick(30 * time.Second)
		f.tick(30 * time.Second)
		f.bring("#2")
		f.tick(30 * time.Second)
	})
}

func TestAnHourOfOneSaleAMinuteImportedAfterNinetySeconds(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.move(10, 100, 0)
		f.tick(time.Minute)
		levels := []int{atFront, atWindow, atOutlet}
		for half := range 120 {
			if half%2 == 0 {
				f.place(fmt.Sprint("#", half), levels[half/2%3], 1)
			} else if half >= 3 {
				f.bring(fmt.Sprint("#", half-3))
			}
			f.tick(29 * time.Second)
		}
		f.bring("#118")
		f.tick(time.Minute)
	})
}

func TestKatanaGainsTenWhileOneIsSoldOverSeveralCycles(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.move(10, 10, 0)
		f.place("#1", atFront, 1)
		for range 4 {
			f.tick(30 * time.Second)
		}
		f.bring("#1")
		f.tick(30 * time.Second)
		f.tick(30 * time.Second)
	})
}

func TestLevelsAndStoresOnOneKatanaFigureSellItOnce(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.move(10, -17, 0) // three are left
		f.tick(time.Minute)
		f.place("#1", atFront, 1)
		f.tick(30 * time.Second)
		f.place("#2", atWindow, 1)
		f.tick(30 * time.Second)
		f.place("#3", atOutlet, 1)
		f.tick(30 * time.Second)
		f.bring("#2")
		f.tick(30 * time.Second)
		f.bring("#1")
		f.tick(30 * time.Second)
		f.bring("#3")
		f.tick(30 * time.Second)
	})
}

func TestASaleAtOneLocationIsImportedAtAnother(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.place("#1", atFront, 2)
		f.tick(30 * time.Second)
		f.orders["#1"].imported = 0
		f.bring("#1", 20)
		f.tick(30 * time.Second)
		f.tick(30 * time.Second)
	})
}

func TestAnOrderPaidAfterThreeDaysKeepsItsUnits(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.place("#1", atFront, 4)
		for range 9 {
			f.tick(8 * time.Hour)
		}
		f.move(10, 5, 0)
		f.tick(time.Minute)
		f.bring("#1")
		f.tick(time.Minute)
	}, true)
}

func TestAnOrderIsCancelledBeforeItsImport(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.place("#1", atFront, 2)
		f.tick(30 * time.Second)
		f.cancel("#1")
		f.tick(30 * time.Second)
		f.tick(30 * time.Second)
	})
}

func TestAnOrderIsCancelledAfterItsImport(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.place("#1", atFront, 2)
		f.tick(30 * time.Second)
		f.bring("#1")
		f.tick(30 * time.Second)
		f.cancel("#1")
		f.orders["#1"].imported = 2 // Katana commits it on
		f.tick(30 * time.Second)
		f.cutBack("#1", 2)
		f.tick(30 * time.Second)
		f.tick(30 * time.Second)
	})
}

func TestRefundsWithAndWithoutRestock(t *testing.T) {
	for _, imported := range []bool{false, true} {
		for _, restock := range []bool{false, true} {
			for _, units := range []int64{1, 3} {
				t.Run(fmt.Sprintf("imported %v, restocked %v, %d of 3", imported, restock, units), func(t *testing.T) {
					onFloor(t, func(f *floor) {
						f.place("#1", atFront, 3)
						f.tick(30 * time.Second)
						if imported {
							f.bring("#1")
							f.tick(30 * time.Second)
						}
						f.refund("#1", units, restock)
						f.tick(30 * time.Second)
						if imported && restock {
							f.cutBack("#1", units)
						} else if !imported {
							f.bring("#1")
						}
						f.tick(30 * time.Second)
						f.tick(30 * time.Second)
					})
				})
			}
		}
	}
}

func TestASaleOfTheTillThatIsImportedHoursLater(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.place("#1", atFront, 2)
		f.send("#1")
		for range 5 {
			f.tick(time.Hour)
		}
		f.bring("#1")
		f.tick(time.Minute)
		f.move(10, -2, -2) // packed
		f.tick(time.Minute)
	}, true)
}

func TestHandEditsDownAndUpAreMended(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.sell(f.levels[atFront], 3)
		f.tick(30 * time.Second)
		f.tick(30 * time.Second)
		f.sell(f.levels[atWindow], -5)
		f.tick(30 * time.Second)
		f.tick(30 * time.Second)
	})
}

func TestALevelThatIsOversoldIsNotRaised(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.move(10, -19, 0)
		f.tick(time.Minute)
		f.place("#1", atFront, 1)
		f.place("#2", atWindow, 2) // the shop sells on when it is out of stock
		f.tick(30 * time.Second)
		f.bring("#1")
		f.tick(30 * time.Second)
		f.bring("#2")
		f.tick(30 * time.Second)
	})
}

func TestAKatanaCountDuringOpenOrders(t *testing.T) {
	onFloor(t, func(f *floor) {
		f.place("#1", atFront, 2)
		f.tick(30 * time.Second)
		f.move(10, 7, 0)
		f.tick(30 * time.Second)
		f.place("#2", atOutlet, 1)
		f.tick(30 * time.Second)
		f.move(10, -12, 0)
		f.tick(30 * time.Second)
		f.bring("#1")
		f.bring("#2")
		f.tick(30 * time.Second)
	})
}
