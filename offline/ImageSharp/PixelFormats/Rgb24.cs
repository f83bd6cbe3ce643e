using System.Runtime.InteropServices;

namespace SixLabors.ImageSharp.PixelFormats;

internal interface IPixel<TSelf>
    where TSelf : unmanaged, IPixel<TSelf>;

/// <summary>Red, green and blue, a byte each: the only pixel here.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct Rgb24(byte R, byte G, byte B) : IPixel<Rgb24>;
