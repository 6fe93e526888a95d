package evidence

import (
	"encoding/json"
	"fmt"

	"github.com/onsi/ginkgo/v2"

	"github.com/krepro/krepro/harness/event"
)

// Data streams a record of a kind that carries data. One that is too long for
// the channel fails the spec: the host would not take it.
func Data(kind event.Kind, data any) {
	ginkgo.GinkgoHelper()
	b, err := json.Marshal(data)
	if err == nil && len(b) > event.MaxLine {
		err = fmt.Errorf("%d bytes are too long for one line", len(b))
	}
	if err != nil {
		ginkgo.Fail(fmt.Sprintf("write %s record: %v", kind, err))
	}
	write(event.Record{Kind: kind, Spec: currentSpec(), Data: b})
}
