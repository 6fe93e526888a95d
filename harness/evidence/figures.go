package evidence

import (
	"encoding/json"
	"fmt"

	"github.com/krepro/krepro/harness/event"
)

// Figures streams what the running spec measured and no verdict hangs on: name
// says what, text is for people.
func Figures(name, text string, figures []event.Figure) error {
	b, err := json.Marshal(figures)
	if err != nil {
		return fmt.Errorf("encode figures: %w", err)
	}
	write(event.Record{Kind: event.FiguresRecord, Spec: currentSpec(), Name: name, Text: text, Data: b})
	return nil
}
