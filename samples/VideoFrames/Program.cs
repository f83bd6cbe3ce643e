// Detects in raw RGB frames from standard input, as ffmpeg writes them:
//
//   ffmpeg -i street.mp4 -f rawvideo -pix_fmt rgb24 - | dotnet run -c Release --project samples/VideoFrames -- 1280 720
using System.Diagnostics;
using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;

if (args.Length != 2
    || !int.TryParse(args[0], CultureInfo.InvariantCulture, out var width)
    || !int.TryParse(args[1], CultureInfo.InvariantCulture, out var height)
    || width < 1 || height < 1)
{
    Console.Error.WriteLine("Usage: VideoFrames WIDTH HEIGHT < frames.rgb");
    return 2;
}
using var device = Device.Open();
using var detector = Detector.Load(device);
using var input = Console.OpenStandardInput();
// ffmpeg's rgb24; the detector takes other orders of the channels, too (PixelFormat).
// One buffer for all frames: the detector reads the pixels where they are, and keeps nothing of them.
var frame = new byte[width * height * 3];
var clock = Stopwatch.StartNew();
var count = 0;
for (; input.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length; count++)
{
    var found = detector.Detect(frame, width, height);
    Console.WriteLine($"frame {count}: {string.Join(", ", found.Select(o => $"{o.Label} {o.Score:0.00}"))}");
}
Console.Error.WriteLine($"{count} frames, {count / clock.Elapsed.TotalSeconds:0.0} a second");
return 0;
