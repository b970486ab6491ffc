package sandbox

import (
	"container/heap"
	"fmt"
	"time"
)

// Event is something that happens in a world; see the types that implement it.
type Event interface {
	play(w *World) error // with the world locked
}

// Do lets an event happen now, after the scheduled ones that are due. An
// event that cannot happen, such as the packing of an unknown order, changes
// nothing and is an error.
func (w *World) Do(e Event) error {
	w.lock()
	defer w.mu.Unlock()
	if err := e.play(w); err != nil {
		return fmt.Errorf("%s: %w", eventName(e), err)
	}
	return nil
}

// Schedule lets an event happen later by the world's clock. It is played when
// the world is next touched after that, in the order of the times and stamped
// with them, so that nobody can tell it from one played on time. An event that
// cannot happen any more is dropped and found in Missed.
func (w *World) Schedule(after time.Duration, e Event) {
	w.lock()
	defer w.mu.Unlock()
	w.schedule(after, e)
}

func (w *World) schedule(after time.Duration, e Event) {
	w.agenda.sequence++
	heap.Push(&w.agenda.entries, entry{w.stamp().Add(after), w.agenda.sequence, e})
}

// Missed lists the errors of scheduled events that could not happen.
func (w *World) Missed() []error {
	w.lock()
	defer w.mu.Unlock()
	return append([]error(nil), w.agenda.missed...)
}

// Scheduled tells how many events are still to come.
func (w *World) Scheduled() int {
	w.lock()
	defer w.mu.Unlock()
	return w.agenda.entries.Len()
}

// agenda holds the scheduled events.
type agenda struct {
	entries  entries
	sequence int // keeps events of one time in the order they were scheduled
	missed   []error
}

type entry struct {
	at       time.Time
	sequence int
	event    Event
}

type entries []entry

func (e entries) Len() int { return len(e) }
func (e entries) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].sequence < e[j].sequence
	}
	return e[i].at.Before(e[j].at)
}
func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *entries) Push(x any) { *e = append(*e, x.(entry)) }

// Pop implements heap.Interface.
func (e *entries) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// playDue plays what is due at now; an event may schedule more of it.
func (w *World) playDue(now time.Time) {
	for w.agenda.entries.Len() > 0 && !w.agenda.entries[0].at.After(now) {
		next := heap.Pop(&w.agenda.entries).(entry)
		w.playing = next.at
		if err := next.event.play(w); err != nil {
			w.agenda.missed = append(w.agenda.missed, fmt.Errorf("%s, due at %s: %w", eventName(next.event), next.at.UTC().Format(time.RFC3339), err))
		}
	}
	w.playing = time.Time{}
}
