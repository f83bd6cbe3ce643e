namespace Fpn.IlGpu.Weights;

/// <summary>
/// The instructions of a pickle, protocols 0 to 5: a program for a machine with a stack, a second stack of marks, and a memo.
/// Source: Python's module pickletools, which defines these names.
/// </summary>
internal enum PickleOpcode : byte
{
    // Beginning and end. PROTO: the version, 1 byte. FRAME: the length of a frame, 8 bytes.
    Proto = 0x80,
    Frame = 0x95,
    Stop = (byte)'.',

    // The stack.
    Mark = (byte)'(',
    Pop = (byte)'0',
    PopMark = (byte)'1',
    Dup = (byte)'2',

    // Constants and numbers. INT, LONG and FLOAT: a line of text. The others: little-endian, except for BINFLOAT.
    None = (byte)'N',
    NewTrue = 0x88,
    NewFalse = 0x89,
    Int = (byte)'I',
    BinInt = (byte)'J',
    BinInt1 = (byte)'K',
    BinInt2 = (byte)'M',
    Long = (byte)'L',
    Long1 = 0x8A,
    Long4 = 0x8B,
    Float = (byte)'F',
    BinFloat = (byte)'G',

    // Strings. STRING: a quoted line. UNICODE: an escaped line. The others: a length, then bytes.
    String = (byte)'S',
    BinString = (byte)'T',
    ShortBinString = (byte)'U',
    Unicode = (byte)'V',
    BinUnicode = (byte)'X',
    ShortBinUnicode = 0x8C,
    BinUnicode8 = 0x8D,
    BinBytes = (byte)'B',
    ShortBinBytes = (byte)'C',
    BinBytes8 = 0x8E,
    ByteArray8 = 0x96,
    NextBuffer = 0x97,
    ReadOnlyBuffer = 0x98,

    // Containers. TUPLE, LIST, DICT, FROZENSET, APPENDS, SETITEMS and ADDITEMS take the items above the mark.
    EmptyTuple = (byte)')',
    Tuple = (byte)'t',
    Tuple1 = 0x85,
    Tuple2 = 0x86,
    Tuple3 = 0x87,
    EmptyList = (byte)']',
    List = (byte)'l',
    Append = (byte)'a',
    Appends = (byte)'e',
    EmptyDict = (byte)'}',
    Dict = (byte)'d',
    SetItem = (byte)'s',
    SetItems = (byte)'u',
    EmptySet = 0x8F,
    AddItems = 0x90,
    FrozenSet = 0x91,

    // The memo. PUT and GET: a line with the index. MEMOIZE uses the next index.
    Put = (byte)'p',
    BinPut = (byte)'q',
    LongBinPut = (byte)'r',
    Memoize = 0x94,
    Get = (byte)'g',
    BinGet = (byte)'h',
    LongBinGet = (byte)'j',

    // Classes and functions by name, and calls to them.
    Global = (byte)'c',
    StackGlobal = 0x93,
    Reduce = (byte)'R',
    NewObj = 0x81,
    NewObjEx = 0x92,
    Inst = (byte)'i',
    Obj = (byte)'o',
    Build = (byte)'b',
    Ext1 = 0x82,
    Ext2 = 0x83,
    Ext4 = 0x84,

    // References to objects outside the pickle.
    PersId = (byte)'P',
    BinPersId = (byte)'Q',
}
