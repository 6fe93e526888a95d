package vmtest

import "testing"

func TestKilohertz(t *testing.T) {
	first, err := takeStamp().kilohertz()
	if err != nil {
		t.Fatal(err)
	}
	second, err := takeStamp().kilohertz()
	if err != nil {
		t.Fatal(err)
	}
	// The kernel distrusts a frequency that is off by one per cent.
	if diff := max(first, second) - min(first, second); diff > first/1000 {
		t.Errorf("measured %d and %d kHz", first, second)
	}
	if _, err := (stamp{at: takeStamp().at, ticks: ^uint64(0)}).kilohertz(); err == nil {
		t.Error("a counter that runs backwards was believed")
	}
}
