# A Go module without dependencies.
origin="Go github.com/google/uuid 1.6.0"
tools=(go)
fetch() { go_source github.com/google/uuid v1.6.0; }
task="Add the method IsNil of UUID: whether it is the nil UUID. Test it."
changes=' M uuid.go
?? nil_test.go'
own_tests() { go vet ./... && go test ./...; }
tell() {
  step implement_v1
  replace uuid.go 'func encodeHex(dst []byte, uuid UUID) {' << 'END'
// IsNil tells whether uuid is the nil UUID, all of whose bits are zero.
func (uuid UUID) IsNil() bool {
	return uuid == Nil
}

func encodeHex(dst []byte, uuid UUID) {
END
  write nil_test.go << 'END'
package uuid

import "testing"

func TestIsNil(t *testing.T) {
	var zero UUID
	if !zero.IsNil() {
		t.Error("the zero value is not nil")
	}
	if New().IsNil() {
		t.Error("a random UUID is nil")
	}
}
END
}
