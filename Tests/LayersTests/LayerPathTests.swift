import LinuxSystem
import Testing

@testable import Layers

struct LayerPathTests {
    @Test func `a name that is not plain stands in quotes`() throws {
        func shown(_ bytes: [UInt8]) -> String { LayerPath(bytes: bytes).shown() }
        #expect(shown(Array("etc/passwd".utf8)) == "/etc/passwd")
        #expect(shown([]) == "/")
        #expect(shown(Array("a b".utf8)) == #""/a b""#)
        #expect(shown(Array("a\nb\"\\".utf8)) == #""/a\nb\"\\""#)
        #expect(shown([0x61, 0xff]) == #""/a\377""#)
        #expect(shown(Array("ü/漢".utf8)) == "/ü/漢")
        // What turns the direction of a terminal's text around.
        #expect(shown(Array("a\u{202e}".utf8)) == #""/a\342\200\256""#)
        #expect(shown([0x1b, 0x5b]) == #""/\033[""#)
    }

    @Test func `a redirect that the kernel cannot have written is none`() throws {
        let parent = LayerPath(bytes: Array("a/b".utf8))
        func path(_ text: String) -> String? {
            LayerPath(redirect: Array(text.utf8), beside: parent)?.text
        }
        #expect(path("c") == "/a/b/c")
        #expect(path("/x/y") == "/x/y")
        for hostile in ["..", ".", "", "/", "/../etc", "/a//b", "/a/", "a/b", "/.", "a\0b"] {
            #expect(path(hostile) == nil, "\(hostile)")
        }
    }
}
