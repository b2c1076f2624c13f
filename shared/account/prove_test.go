package account

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnswersLeaveAtMultiplesOfTheFloor(t *testing.T) {
	const floor = 400 * time.Millisecond
	for work, want := range map[time.Duration]time.Duration{
		0: floor, 30 * time.Millisecond: floor, 399 * time.Millisecond: floor, 401 * time.Millisecond: 2 * floor, time.Second: 3 * floor,
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			time.Sleep(work)
			if err := pad(t.Context(), began, floor); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began); got != want {
				t.Errorf("%v of work was answered after %v, want %v", work, got, want)
			}
		})
	}
}

func TestPadEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := pad(ctx, time.Now(), time.Hour); err == nil {
			t.Error("waited on for a client that has gone")
		}
	})
}
