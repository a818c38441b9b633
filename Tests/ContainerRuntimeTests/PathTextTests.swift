import Testing

@testable import ContainerRuntime

@Suite struct `Names of files as text` {
    @Test(arguments: [
        ("/", "/"), ("", "/"), (".", "/"), ("..", "/"), ("a", "/a"), ("/a", "/a"), ("/a/", "/a"),
        ("//a//b//", "/a/b"), ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/../../a", "/a"),
        ("/a/b/../../..", "/"), ("/.", "/"), ("/a/.", "/a"), ("/a/..", "/"), ("/.a", "/.a"),
        ("/..a/...", "/..a/..."), ("/a/b", "/a/b"), ("a/../../b", "/b"), ("/é/..", "/"),
    ])
    func `cleaned names have no dots, no empty parts and stay below the root`(
        _ path: String, _ cleaned: String
    ) {
        #expect(PathText.cleaned(path) == cleaned)
    }

    @Test(arguments: [
        ("/x", "/b", "/x"), ("x", "/b", "/b/x"), ("x", "/b/", "/b/x"), ("../x", "/b", "/b/../x"),
        ("x", "/", "/x"), ("", "/b", "/b/"),
    ])
    func `a relative name is seen from its base`(_ path: String, _ base: String, _ found: String) {
        #expect(PathText.absolute(path, from: base) == found)
    }
}
