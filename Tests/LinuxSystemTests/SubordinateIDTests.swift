import LinuxSystem
import Testing

/// subuid(5) and passwd(5), as getsubids(1) reads them.
struct `Ids set aside for users` {
    private let text = Array(
        """
        root:1:10
        ann:100000:65536
        1001:200000:5
        ann:300000:4
        annette:7:7
        bad
        ann:-5:3
        ann:5:0
        ann:4294967295:1
        ann: 9:1
        """.utf8)

    private func ranges(_ name: String?, _ id: UInt32) -> [String] {
        SubordinateIDs.ranges(in: text, of: name, id).map { "\($0.first)+\($0.count)" }
    }

    @Test func `are found by name and by number, in their order, line by line`() {
        #expect(ranges("ann", 1000) == ["100000+65536", "300000+4"])
        #expect(ranges("ann", 1001) == ["100000+65536", "200000+5", "300000+4"])
        #expect(ranges(nil, 1001) == ["200000+5"])
        #expect(ranges("bob", 7) == [])
        #expect(ranges("root", 0) == ["1+10"])
    }

    @Test func `are read as getsubids lists them`() {
        let listed = Array("0: ann 100000 65536\n1: a b 7 9\nnone\n2: ann 1 0\n3: ann x 1\n".utf8)
        #expect(
            SubordinateIDs.ranges(listed: listed).map { "\($0.first)+\($0.count)" }
                == ["100000+65536", "7+9"])
    }

    @Test(arguments: [
        ("subid: sss\n", true), ("subid:\tsss files\n", true), ("SUBID: sss\n", true),
        ("subid: files sss\n", false), ("subid: FILES\n", false), ("subid:\n", false),
        ("# subid: sss\n", false), ("subid: # sss\n", false), ("passwd: sss\n", false),
        ("", false),
    ])
    func `are a service's where the first source is none of files`(
        _ text: String, _ asks: Bool
    ) {
        #expect(SubordinateIDs.asksService(Array(text.utf8)) == asks)
    }

    @Test func `belong to a name that passwd has`() {
        let passwd = Array("root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:/bin/sh\nshort:x:7\n".utf8)
        #expect(SubordinateIDs.name(of: 1000, passwd: passwd) == "ann")
        #expect(SubordinateIDs.name(of: 7, passwd: passwd) == nil)
    }
}
