package problem

import (
	"errors"
	"fmt"
	"testing"
)

func TestFromFindsTheErrorOrHidesTheCause(t *testing.T) {
	known := New(Conflict, "email_taken", "Taken.")
	if got := From(fmt.Errorf("sign up: %w", known.Because(errors.New("row")))); got.Code != "email_taken" {
		t.Errorf("wrapped: %v", got)
	}
	foreign := From(errors.New("secret detail"))
	if foreign.Kind != Internal || foreign.Message == "secret detail" {
		t.Errorf("foreign: %+v", foreign)
	}
	if From(nil) != nil || Retryable(nil) {
		t.Error("nil is no problem")
	}
	if !Retryable(foreign) || Retryable(known) {
		t.Error("only what is ours is tried again")
	}
}

func TestCheckNamesEveryBadField(t *testing.T) {
	var c Check
	c.That(true, "name", "bad_name", "…")
	if c.Err() != nil {
		t.Fatal(c.Err())
	}
	c.That(false, "email", "bad_email", "No address.")
	c.That(false, "phone", "bad_phone", "No number.")
	if e := From(c.Err()); e.Kind != Invalid || e.Code != "invalid" || len(e.Fields) != 2 {
		t.Errorf("%+v", e)
	}
}
