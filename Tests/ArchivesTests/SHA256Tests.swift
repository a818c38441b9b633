import Archives
import CArchiveSupport
import Testing

@Suite struct `SHA-256` {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `digests are those of FIPS 180-4`(_ text: String, _ digest: String) {
        #expect(SHA256.of(Array(text.utf8)).hexadecimal == digest)
    }

    @Test func `a million times a, in pieces of every size`() {
        var digest = SHA256()
        var left = 1_000_000
        var size = 1
        while left > 0 {
            let piece = min(size, left)
            digest.add([UInt8](repeating: 0x61, count: piece))
            left -= piece
            size = size % 200 + 1
        }
        #expect(
            digest.finished().description
                == "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `the processor's instructions and C agree`() {
        let bytes = (0..<64 * 33).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 5) }
        var state = carchive_sha256()
        carchive_sha256_start(&state)
        carchive_sha256_blocks_portable(&state.state.0, bytes, 33)
        var fast = carchive_sha256()
        carchive_sha256_start(&fast)
        carchive_sha256_add(&fast, bytes, bytes.count)
        #expect(
            withUnsafeBytes(of: state.state, Array.init)
                == withUnsafeBytes(of: fast.state, Array.init))
    }

    @Test(arguments: [
        "", "sha256:", "sha512:" + String(repeating: "0", count: 64),
        "sha256:" + String(repeating: "0", count: 63),
        "sha256:" + String(repeating: "0", count: 65),
        "sha256:" + String(repeating: "A", count: 64),
        "sha256:../../" + String(repeating: "0", count: 58),
    ])
    func `only 64 lower-case digits are a digest`(_ text: String) {
        #expect(Digest(text) == nil)
    }

    @Test func `a digest comes back from its text`() {
        let digest = SHA256.of([1, 2, 3])
        #expect(Digest(digest.description) == digest)
        #expect(Digest(hexadecimal: digest.hexadecimal.utf8) == digest)
    }
}
