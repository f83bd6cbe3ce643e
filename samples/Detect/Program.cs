// Prints what is in a picture: dotnet run -c Release --project samples/Detect -- samples/shapes-640x480.png
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;

if (args.Length != 1)
{
    Console.Error.WriteLine("Usage: Detect PICTURE");
    return 2;
}
using var device = Device.Open();
using var detector = Detector.Load(device);
foreach (var found in detector.Detect(args[0]))
    Console.WriteLine($"{found.Label} {found.Score:0.00} {found.BoxImagePx}");
return 0;
