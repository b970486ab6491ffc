package daemon

import "testing"

func TestSchedulesThatNeverComeOrPanicTheParserAreErrors(t *testing.T) {
	for _, spec := range []string{"", "TZ=UTC", "TZ=", "0 0 31 2 *", "@every", "* * * *", "0 0 * * * *"} {
		if _, err := ParseSchedule(spec); err == nil {
			t.Errorf("%q was taken", spec)
		}
	}
	for _, spec := range []string{"@every 30s", "0 3 * * *", "@daily"} {
		if _, err := ParseSchedule(spec); err != nil {
			t.Errorf("%q: %v", spec, err)
		}
	}
}
