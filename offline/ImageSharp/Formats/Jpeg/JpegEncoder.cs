using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using SixLabors.ImageSharp.PixelFormats;

namespace SixLabors.ImageSharp.Formats.Jpeg;

internal enum JpegEncodingColor
{
    /// <summary>YCbCr with chroma at full size: the only one written here.</summary>
    YCbCrRatio444 = 1,
}

/// <summary>Writes baseline JPEG with the example tables of T.81, annex K.</summary>
internal sealed class JpegEncoder : IImageEncoder
{
    // The cosines of the transform, a row each frequency: C[u, x] = s(u) cos((2x + 1) u pi / 16) / 2.
    private static readonly Vector256<float>[] Cosines = MakeCosines(transposed: false);
    private static readonly Vector256<float>[] CosinesTransposed = MakeCosines(transposed: true);

    /// <summary>1 (smallest) to 100 (best).</summary>
    public required int Quality { get; init; }

    public required JpegEncodingColor ColorType { get; init; }

    public void Encode(Image<Rgb24> image, Stream stream)
    {
        if (image.Width > ushort.MaxValue || image.Height > ushort.MaxValue)
        {
            throw new ImageFormatException($"a JPEG can be {ushort.MaxValue} px wide and high at most");
        }

        byte[] luma = JpegEncoderTables.Scale(JpegEncoderTables.LumaSteps, Quality);
        byte[] chroma = JpegEncoderTables.Scale(JpegEncoderTables.ChromaSteps, Quality);
        WriteHeaders(stream, image, luma, chroma);

        var writer = new JpegEntropyWriter(stream);
        float[][] planes = [new float[64], new float[64], new float[64]];
        byte[][] steps = [luma, chroma, chroma];
        int[] previous = new int[3];
        int[] block = new int[64];
        for (int y = 0; y < image.Height; y += 8)
        {
            for (int x = 0; x < image.Width; x += 8)
            {
                Convert(image, x, y, planes);
                for (int c = 0; c < 3; c++)
                {
                    Transform(planes[c]);
                    for (int k = 0; k < 64; k++)
                    {
                        block[k] = (int)MathF.Round(planes[c][JpegTransform.NaturalOrder[k]] / steps[c][k]);
                    }

                    writer.WriteBlock(block, ref previous[c]);
                }
            }
        }

        writer.Finish();
        stream.Write([0xFF, 0xD9]);
    }

    // The 8 x 8 pixels at (x, y) as Y, Cb and Cr around zero (JFIF 1.02); beyond the edge, the edge goes on.
    private static void Convert(Image<Rgb24> image, int x, int y, float[][] planes)
    {
        ReadOnlySpan<Rgb24> pixels = image.Pixels;
        (float[] luma, float[] blue, float[] red) = (planes[0], planes[1], planes[2]);
        for (int i = 0; i < 64; i++)
        {
            int row = Math.Min(y + (i >> 3), image.Height - 1);
            Rgb24 p = pixels[(row * image.Width) + Math.Min(x + (i & 7), image.Width - 1)];
            luma[i] = (0.299f * p.R) + (0.587f * p.G) + (0.114f * p.B) - 128f;
            blue[i] = (-0.168735892f * p.R) - (0.331264108f * p.G) + (0.5f * p.B);
            red[i] = (0.5f * p.R) - (0.418687589f * p.G) - (0.081312411f * p.B);
        }
    }

    // D = C X C', as sums of rows times a number, so that eight columns are computed at once.
    private static void Transform(float[] block)
    {
        Span<Vector256<float>> rows = stackalloc Vector256<float>[8];
        for (int i = 0; i < 8; i++)
        {
            rows[i] = Vector256.Create(block, i * 8);
        }

        for (int u = 0; u < 8; u++)
        {
            Vector256<float> columns = rows[0] * Cosines[u][0];
            for (int k = 1; k < 8; k++)
            {
                columns += rows[k] * Cosines[u][k];
            }

            Vector256<float> result = CosinesTransposed[0] * columns[0];
            for (int k = 1; k < 8; k++)
            {
                result += CosinesTransposed[k] * columns[k];
            }

            result.CopyTo(block, u * 8);
        }
    }

    private static Vector256<float>[] MakeCosines(bool transposed)
    {
        var rows = new Vector256<float>[8];
        Span<float> row = stackalloc float[8];
        for (int i = 0; i < 8; i++)
        {
            for (int j = 0; j < 8; j++)
            {
                (int u, int x) = transposed ? (j, i) : (i, j);
                double scale = u == 0 ? Math.Sqrt(0.5) : 1;
                row[j] = (float)(scale * Math.Cos(((2 * x) + 1) * u * Math.PI / 16) / 2);
            }

            rows[i] = Vector256.Create<float>(row);
        }

        return rows;
    }

    private static void WriteHeaders(Stream stream, Image<Rgb24> image, byte[] luma, byte[] chroma)
    {
        stream.Write([0xFF, 0xD8]);
        WriteSegment(stream, 0xE0, [.. "JFIF\0"u8, 1, 2, 0, 0, 1, 0, 1, 0, 0]);
        WriteSegment(stream, 0xDB, [0, .. luma, 1, .. chroma]);

        byte[] frame = [8, 0, 0, 0, 0, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)image.Height);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(3), (ushort)image.Width);
        WriteSegment(stream, 0xC0, frame);

        WriteSegment(
            stream,
            0xC4,
            [
                0, .. JpegEncoderTables.DcCounts, .. JpegEncoderTables.DcSymbols,
                0x10, .. JpegEncoderTables.AcCounts, .. JpegEncoderTables.AcSymbols,
            ]);
        WriteSegment(stream, 0xDA, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
    }

    private static void WriteSegment(Stream stream, byte marker, byte[] content)
    {
        int length = content.Length + 2;
        stream.Write([0xFF, marker, (byte)(length >> 8), (byte)length]);
        stream.Write(content);
    }
}
