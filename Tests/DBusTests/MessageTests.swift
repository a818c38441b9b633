import Testing

@testable import DBus

/// Messages as bytes, and back.
@Suite struct `A message of D-Bus` {
    static let call: DBusMessage = {
        var message = DBusMessage(.call, serial: 7, body: [.string("x.scope")])
        message.path = "/o"
        message.interface = "a.b"
        message.member = "M"
        message.destination = "d.e"
        return message
    }()

    /// Put together by hand after the specification.
    static let callBytes: [UInt8] = [
        0x6c, 1, 0, 1, 12, 0, 0, 0, 7, 0, 0, 0, 0x47, 0, 0, 0,
        1, 1, 0x6f, 0, 2, 0, 0, 0, 0x2f, 0x6f, 0, 0, 0, 0, 0, 0,
        2, 1, 0x73, 0, 3, 0, 0, 0, 0x61, 0x2e, 0x62, 0, 0, 0, 0, 0,
        3, 1, 0x73, 0, 1, 0, 0, 0, 0x4d, 0, 0, 0, 0, 0, 0, 0,
        6, 1, 0x73, 0, 3, 0, 0, 0, 0x64, 0x2e, 0x65, 0, 0, 0, 0, 0,
        8, 1, 0x67, 0, 1, 0x73, 0, 0, 7, 0, 0, 0, 0x78, 0x2e, 0x73, 0x63,
        0x6f, 0x70, 0x65, 0,
    ]

    static let everything: [DBusValue] = [
        .byte(255), .bool(true), .int16(-2), .uint16(65535), .int32(-3), .uint32(.max),
        .int64(.min), .uint64(.max), .double(-0.5), .string("ü"), .objectPath("/a/b"),
        .signature("a(sv)"), .descriptor(3), .array(of: "(ss)", []), .bytes([1, 2, 3]),
        .array(of: "t", [.uint64(1)]), .strings(["", "a"]),
        .array(
            of: "(sv)",
            [.structure([.string("k"), .variant(.array(of: "s", [.string("v")]))])]),
        .array(of: "{sv}", [.entry(.string("k"), .variant(.variant(.bool(false))))]),
        .structure([.byte(1), .structure([.uint64(2), .string("x")])]),
    ]

    @Test func `has the bytes of the specification`() throws {
        #expect(Self.call.encoded == Self.callBytes)
        #expect(try DBusMessage(Self.callBytes[...]) == Self.call)
        #expect(try DBusMessage.size(Self.callBytes[...]) == Self.callBytes.count)
    }

    @Test func `aligns what it holds`() throws {
        var writer = DBusWriter()
        for value in [
            DBusValue.byte(1), .uint16(2), .byte(3), .uint32(4), .byte(5), .uint64(6),
            .array(of: "(y)", [.structure([.byte(7)])]), .variant(.uint32(8)),
        ] { writer.write(value) }
        #expect(
            writer.bytes == [
                1, 0, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
                // The length of an array does not count what comes before its first element.
                1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0x75, 0, 8, 0, 0, 0,
            ])
    }

    @Test func `of any types comes back as it was`() throws {
        var message = DBusMessage(.error, serial: 9, body: Self.everything)
        message.errorName = "a.b.C"
        message.answeredSerial = 4
        message.sender = ":1.2"
        let bytes = message.encoded
        #expect(try DBusMessage.size(bytes[...]) == bytes.count)
        #expect(try DBusMessage(bytes[...]) == message)
        // Wherever it lies among others.
        let later = [0, 0, 0] + bytes
        #expect(try DBusMessage(later[3...]) == message)
    }

    @Test func `of the other byte order is read too`() throws {
        let bytes: [UInt8] = [
            0x42, 2, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 15,
            5, 1, 0x75, 0, 0, 0, 0, 6, 8, 1, 0x67, 0, 1, 0x75, 0, 0,
            0x12, 0x34, 0x56, 0x78,
        ]
        let message = try DBusMessage(bytes[...])
        #expect(message.kind == .answer && message.serial == 5 && message.answeredSerial == 6)
        #expect(message.body == [.uint32(0x1234_5678)])
    }

    // MARK: What nobody honest sends

    @Test func `that is cut off anywhere is an error`() {
        for count in 0..<Self.callBytes.count {
            #expect(throws: DBusError.self) { try DBusMessage(Self.callBytes.prefix(count)) }
        }
    }

    @Test func `with any byte changed is read or refused`() {
        var message = DBusMessage(.signal, serial: 1, body: Self.everything)
        message.member = "X"
        let bytes = message.encoded
        for index in bytes.indices {
            for change in [0x01, 0x10, 0x80, 0xff] as [UInt8] {
                var changed = bytes
                changed[index] ^= change
                _ = try? DBusMessage(changed[...])
                _ = try? DBusMessage.size(changed[...])
            }
        }
    }

    private func words(_ bytes: [UInt8], _ signature: String) -> String? {
        var reader = DBusReader(bytes[...], isBigEndian: false)
        do {
            _ = try reader.read(signature)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `that lies about its parts is refused`() {
        #expect(words([255, 255, 255, 255], "s")?.contains("longer than the message") == true)
        #expect(words([255, 255, 255, 127, 0, 0, 0, 0], "ay")?.contains("longer") == true)
        #expect(words([2, 0, 0, 0], "b")?.contains("a boolean is 2") == true)
        #expect(words([1, 0, 0, 0, 0x61, 1], "s")?.contains("not closed") == true)
        #expect(words([1, 0, 0, 0, 0, 0], "s")?.contains("not closed") == true)
        #expect(words([1, 1, 0, 0, 0, 0, 0, 0], "yu")?.contains("not zero") == true)
        #expect(words([3, 0, 0, 0, 1, 0, 2, 0], "aq")?.contains("middle of an element") == true)
        #expect(words([2, 0x79, 0x79, 0, 0, 0], "v")?.contains("more than one type") == true)
        #expect(words([0, 0], "v")?.contains("cut off") == true)
        #expect(words([1, 0x7a, 0, 0], "v")?.contains("unknown type") == true)
        #expect(words([], String(repeating: "a", count: 40) + "y")?.contains("deeply") == true)
        #expect(words([], "(y")?.contains("not closed") == true || words([], "(y") != nil)
        #expect(words([], "()")?.contains("unknown type") == true)
        #expect(words([0, 0, 0, 0], "a{yyy}")?.contains("not closed") == true)
    }

    @Test func `of variants in variants without end is refused`() {
        let bytes =
            [UInt8]([1, 0x76, 0]) + Array([[UInt8]](repeating: [1, 0x76, 0], count: 1000).joined())
        #expect(words(bytes, "v")?.contains("too deeply") == true)
    }

    @Test func `that is larger than anybody's is refused before it is there`() {
        var bytes = Array(Self.callBytes.prefix(16))
        bytes[7] = 0x7f
        #expect(throws: DBusError.self) { try DBusMessage.size(bytes[...]) }
        bytes = Array(Self.callBytes.prefix(16))
        bytes[0] = 0x78
        #expect(throws: DBusError.self) { try DBusMessage.size(bytes[...]) }
        bytes[0] = 0x6c
        bytes[3] = 2
        #expect(throws: DBusError.self) { try DBusMessage.size(bytes[...]) }
        #expect((try? DBusMessage.size(Self.callBytes.prefix(15))) == .some(nil))
    }
}

@Suite struct `An address of D-Bus` {
    @Test func `is the first socket of each entry`() {
        #expect(
            DBusAddress.list("unix:path=/run/user/1000/bus,guid=1f;unix:abstract=/tmp/x%20y")
                == [.path("/run/user/1000/bus"), .abstract("/tmp/x y")])
    }

    @Test(arguments: [
        "", "tcp:host=localhost,port=1", "unix:", "unix:path", "unix:path=/a%0", ";;",
    ])
    func `that leads to no socket is none`(_ text: String) {
        #expect(DBusAddress.list(text).isEmpty)
    }
}
