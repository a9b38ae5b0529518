"""Bad input, and the one line that each kind gives: the table of what a person can get wrong.

A section: a title, how it is called (a function of bad_input_calls.py, bad_settings.py or bad_weights.py), whether the line ends a job (STOPS) or is the
reason why one file is left out and listed (LEFT OUT), and its rows: (what it is, what is given, the line). HERE in a line
stands for the folder that the test is given. A line is the exact text, or a pattern of the whole of it.
"""

import os
import re
import shutil
import tarfile

import torch

import bad_input_calls as calls
import bad_settings
import bad_weights
from bad_input_calls import BOMB, BOX, OUTSIDE, corners
from data import tiny_imagenet_tree as tiny
from data.datasets import jpeg, put, saved, xml

STOPS, LEFT_OUT = "stops", "left out"
like = re.compile

# fmt: off
IMAGES = (
    ("empty file", ("x.jpg", b""), "cat/x.jpg: empty file"),
    ("text named .jpg", ("x.jpg", b"not an image"), "cat/x.jpg: not an image"),
    ("HTML of a failed download", ("x.png", b"<html>404</html>"), "cat/x.png: not an image"),
    ("an EPS program named .jpg", ("x.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\nshowpage\n"), "cat/x.jpg: not an image"),
    ("JPEG 2000 named .jpg", ("x.jpg", saved(calls.rgb(), "JPEG2000")), "cat/x.jpg: not an image"),
    ("truncated JPEG", ("x.jpg", jpeg(64, 64)[:-200]), like(r"cat/x\.jpg: damaged image \(.*\)")),
    ("truncated PNG", ("x.png", saved(calls.rgb(), "PNG")[:-300]), like(r"cat/x\.png: damaged image \(.*\)")),
    ("truncated GIF", ("x.gif", saved(calls.rgb(), "GIF")[:-300]), like(r"cat/x\.gif: damaged image \(.*\)")),
    ("truncated animation", ("x.webp", saved(calls.rgb(), "WEBP", save_all=True, append_images=[calls.rgb()])[:900]), like(r"cat/x\.webp: damaged image \(.*\)")),
    ("truncated CMYK", ("x.jpg", saved(calls.rgb().convert("CMYK"), "JPEG")[:-400]), like(r"cat/x\.jpg: damaged image \(.*\)")),
    ("no columns", ("x.png", calls.png(0, 20)), "cat/x.png: not an image"),
    ("144 million pixels in 20 kB", ("x.png", calls.png(12000, 12000)), "cat/x.png: damaged image (12000x12000 px; at most 111,111,111 pixels are decoded; shrink it)"),
    ("400 million pixels in 50 kB", ("x.png", calls.png(20000, 20000)), like(r"cat/x\.png: damaged image \(Image size .*\)")),
    ("float TIFF", ("x.tif", saved(calls.rgb().convert("F"), "TIFF")), "cat/x.tif: damaged image (floating-point pixels have no agreed scale; save it with 8 or 16 bits)"),
    ("below min_side_px", ("x.jpg", jpeg(7, 40)), "cat/x.jpg: 40x7 px; sides below min_side_px (8) are too small"),
    ("a folder named x.jpg", ("x.jpg", lambda path: path.mkdir()), "cat/x.jpg: not an image file"),
    ("a link to nothing", ("x.jpg", lambda path: path.symlink_to("/no/such")), "cat/x.jpg: not an image file"),
    ("a file that cannot be read", ("x.jpg", lambda path: path.symlink_to("/proc/self/mem")), "cat/x.jpg: cannot be read (Input/output error)"),
    ("no image's name", ("x.txt", b"notes"), "cat/x.txt: not an image file"),
    ("a name that is not UTF-8", ("x.jpg", lambda path: open(os.fsencode(path.parent) + b"/\xff.jpg", "wb").close()), "cat/\\udcff.jpg: its name is not UTF-8, or too long; rename it"),
)
XML = (
    ("missing", None, "train_0.xml: no such annotation file"),
    ("empty", "", "train_0.xml: is empty"),
    ("not XML", "train_0 1 1 9 9", like(r"train_0\.xml: is not XML \(.*\)")),
    ("not closed", "<annotation><object>", like(r"train_0\.xml: is not XML \(.*\)")),
    ("entity bomb", BOMB, "train_0.xml: declares XML entities, which an annotation never needs"),
    ("external entity", OUTSIDE, "train_0.xml: declares XML entities, which an annotation never needs"),
    ("no object", xml(), "train_0.xml: has no object"),
    ("object without a name", corners("").replace("<name>cat</name>", ""), "train_0.xml: an object has no <name>"),
    ("box outside", xml(("cat", 1, 1, 40, 9)), "train_0.xml: box (1, 1, 40, 9) lies outside its image of 32x24 px"),
    ("box inverted", xml(("cat", 9, 1, 5, 9)), "train_0.xml: box (9, 1, 5, 9) is inverted or has no area"),
    ("box without area", xml(("cat", 5, 5, 5, 9)), "train_0.xml: box (5, 5, 5, 9) is inverted or has no area"),
    ("corner NaN", xml(("cat", 1, "nan", 9, 9)), "train_0.xml: an object's <bndbox> lacks a corner or has one that is not a number"),
    ("corner missing", corners("<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax>"), "train_0.xml: an object's <bndbox> lacks a corner or has one that is not a number"),
    ("no box", corners(""), "train_0.xml: an object's <bndbox> lacks a corner or has one that is not a number"),
    ("another image's size", xml(BOX, size=(640, 480)), "train_0.xml: made for 640x480 px; the image has 32x24 px"),
    ("size of no digits", xml(BOX, size=("wide", 24)), "train_0.xml: <width> of <size> is 'wide', not a number of pixels"),
    ("size of 5000 digits", xml(BOX, size=("9" * 5000, 24)), "train_0.xml: <width> of <size> is '99999999999999999999', not a number of pixels"),
    ("difficult that is no flag", xml(BOX, difficult="maybe"), "train_0.xml: <difficult> is 'maybe', not 0 or 1"),
    ("another encoding than it says", b'<?xml version="1.0" encoding="utf-8"?><annotation>\xff</annotation>', like(r"train_0\.xml: is not XML \(.*\)")),
)
VOC_LISTS = (
    ("a list names no image", lambda root: put(root / "ImageSets/Main/test.txt", "test_0\nnone\n"), "none: no image of that name in JPEGImages"),
    ("two lists name an image", lambda root: put(root / "ImageSets/Main/test.txt", "test_0\ntrain_0\n"), "train_0.jpg: already listed in train"),
    ("a list leads out", lambda root: put(root / "ImageSets/Main/test.txt", "test_0\n../../etc/passwd\n"), "../../etc/passwd: points outside JPEGImages, or is not a valid file name"),
    ("a list names an absolute path", lambda root: put(root / "ImageSets/Main/test.txt", "test_0\n/etc/passwd\n"), "/etc/passwd: points outside JPEGImages, or is not a valid file name"),
    ("a name of 300 letters", lambda root: put(root / "ImageSets/Main/test.txt", "test_0\n" + "n" * 300), "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn: points outside JPEGImages, or is not a valid file name"),
    ("a name that may be two images", lambda root: put(root / "JPEGImages/test_0.PNG", jpeg()), "test_0: may be test_0.PNG or test_0.jpg; list it with its suffix"),
    ("a list of XML", lambda root: [put(root / "JPEGImages/test_0.xml", xml(BOX)), put(root / "ImageSets/Main/test.txt", "test_0.xml\ntest_1\n")], "test_0.xml: not an image file"),
    ("a class that training lacks", lambda root: put(root / "Annotations/test_0.xml", xml(BOX, ("cow", 1, 1, 9, 9))), "test_0.xml: unknown class 'cow'"),
    ("too small to segment", lambda root: put(root / "JPEGImages/train_0.jpg", jpeg(6, 32)), "train_0.jpg: 32x6 px; sides below min_side_px (8) are too small"),
)
VOC = (
    ("no list", lambda root: (root / "ImageSets/Main/test.txt").unlink(), "dataset.detection.splits.test: no file HERE/raw/ImageSets/Main/test.txt; to read the folder as it is, set dataset.detection: {splits: {train: train, validation: '', test: validation}, validation_images: 50}"),
    ("a list that is no text", lambda root: put(root / "ImageSets/Main/test.txt", b"\xff\xfe\x00"), like(r"HERE/raw/ImageSets/Main/test\.txt: cannot be read as text \(.*\); give a UTF-8 text file")),
    ("an empty list", lambda root: put(root / "ImageSets/Main/test.txt", ""), "dataset.detection.splits.test: no image left in test; add some"),
    ("no folder of images", lambda root: shutil.rmtree(root / "JPEGImages"), "dataset.detection.images: no folder HERE/raw/JPEGImages; correct the key or complete the data set"),
    ("a class only in training", lambda root: [put(root / f"Annotations/test_{i}.xml", xml(BOX)) for i in range(3)], "dataset.detection.splits.test: nothing of class 'dog' there; add some or remove the class"),
    ("too many bad files", (lambda root: put(root / "Annotations/test_0.xml", ""), {"max_bad_fraction": 0.01}), "dataset.detection: 1 of 9 files (1 looked at) are bad (11.11 %), first in test: test_0.xml: is empty; correct or remove what HERE/out/quarantine.csv lists, or raise dataset.detection.max_bad_fraction (now 0.01)"),
)
FOLDERS = (
    ("no root", (lambda root: None, {"root": ""}), "dataset.classification.root: not set; give the folder that holds the data set"),
    ("root that is not there", (lambda root: None, {"root": "/no/such"}), "dataset.classification.root: no folder /no/such; fetch the data set or correct the path"),
    ("no folder of a split", lambda root: shutil.rmtree(root / "test"), "dataset.classification.splits.test: no folder HERE/raw/test; to read the folder as it is, set dataset.classification: {splits: {train: train, validation: '', test: validation}, validation_per_class: 10}"),
    ("no class folders", lambda root: calls.emptied(root / "train"), "dataset.classification.splits.train: HERE/raw/train has no class folders; it should hold one folder of images per class"),
    ("empty class", lambda root: (root / "train/cow").mkdir(), "HERE/raw/train/cow: class folder without images; fill it or remove it"),
    ("class in test alone", lambda root: put(root / "test/cow/0.jpg", jpeg()), "HERE/raw/test/cow: class 'cow' is not in training; known: cat, dog; add images of it there, or take this folder away"),
    ("class without examples in a split", lambda root: calls.emptied(root / "test/dog"), "dataset.classification.splits.test: nothing of class 'dog' there; add some or remove the class"),
    ("a single class", lambda root: [shutil.rmtree(path) for path in root.glob("*/dog")], "dataset.classification: has one class, 'cat'; a classifier needs two, add another"),
    ("a split without images", lambda root: calls.emptied(root / "test"), "dataset.classification.splits.test: no image left in test; add some"),
    ("more held out than there is", (lambda root: None, {"validation_per_class": 3, "splits": {"train": "train",
     "validation": "", "test": "test"}}), "dataset.classification.validation_per_class: 3, but class 'cat' has only 3 images; lower it"),
    ("two splits of one folder", (lambda root: None, {"splits": {"train": "train", "validation": "test", "test": "test"}}), "dataset.classification.splits: two splits read the same source; name another, since choices and figures need different images"),
    ("images in a subfolder of a class", lambda root: put(root / "train/cat/indoor/0.jpg", jpeg()), "HERE/raw/train/cat: 1 image in subfolders that are not read (indoor); move the images up into cat, or move the subfolders up beside it, each as a class"),
    ("a list without classes", (lambda root: put(root / "val.txt", "test/cat/0.jpg\n"), {"splits": {"train": "train", "validation": "val.txt", "test": "test"}}), "val.txt, line 1: 'test/cat/0.jpg' is not an image and a class; correct the line"),
    ("flat images", lambda root: [calls.emptied(root / "test"), put(root / "test/0.jpg", jpeg())], "dataset.classification.splits.test: HERE/raw/test has no class folders; to read the folder as it is, set dataset.classification: {splits: {train: train, validation: '', test: validation}, validation_per_class: 10}"),
    ("stray file", lambda root: put(root / "train/notes.txt", "x"), "dataset.classification: 1 of 19 files (1 looked at) are bad (5.26 %), first in train: notes.txt: lies in no class folder; correct or remove what HERE/pets/quarantine.csv lists, or raise dataset.classification.max_bad_fraction (now 0.0)"),
    ("class folder whose name is not UTF-8", lambda root: os.mkdir(os.fsencode(root) + b"/train/\xff"), "HERE/raw/train/\\udcff: the name of this class folder is not UTF-8, or too long; rename it"),
)
COCO_BOXES = (
    ("bbox of text", lambda t: t["annotations"][0].update(bbox="1 1 9 9"), "instances_train.json: annotations[0] of train_0.jpg: bbox is not four numbers x, y, width, height"),
    ("bbox NaN", lambda t: t["annotations"][0].update(bbox=[0, 0, float("nan"), 9]), "instances_train.json: annotations[0] of train_0.jpg: bbox is not four numbers x, y, width, height"),
    ("bbox without area", lambda t: t["annotations"][0].update(bbox=[5, 5, 0, 9]), "instances_train.json: annotations[0] of train_0.jpg: bbox of 0 x 9 px is inverted or has no area"),
    ("bbox outside", lambda t: t["annotations"][0].update(bbox=[5, 5, 90, 9]), "instances_train.json, train_0.jpg: box (5, 5, 95, 14) lies outside its image of 32x24 px"),
    ("iscrowd 7", lambda t: t["annotations"][0].update(iscrowd=7), "instances_train.json: annotations[0] of train_0.jpg: iscrowd is '7', not 0 or 1"),
    ("unknown category", lambda t: t["annotations"][0].update(category_id=9), "instances_train.json: annotations[0] of train_0.jpg: unknown class '9'"),
    ("file_name that leads out", lambda t: t["images"][0].update(file_name="../test/test_0.jpg"), "instances_train.json: ../test/test_0.jpg: points outside train, or is not a valid file name"),
    ("file_name that no file can have", lambda t: t["images"][0].update(file_name="\0"), "instances_train.json: \\x00: points outside train, or is not a valid file name"),
    ("file_name of no file", lambda t: t["images"][0].update(file_name="none.jpg"), "instances_train.json: none.jpg: no image of that name in train"),
    ("image of another size", lambda t: t["images"][0].update(width=640), "instances_train.json, train_0.jpg: made for 640x24 px; the image has 32x24 px"),
)
COCO = (
    ("not JSON", "images: []", like(r"instances_train\.json: not JSON \(.*\); export it again")),
    ("cut short", '{"images": [', like(r"instances_train\.json: not JSON \(.*\); export it again")),
    ("no table of annotations", lambda t: t.pop("annotations"), "instances_train.json: has no list 'annotations'; COCO's detection JSON has images, annotations, categories"),
    ("two images with one id", lambda t: t["images"][1].update(id=1), "instances_train.json: two of its images have one id; give each its own"),
    ("two categories with one id", lambda t: t["categories"][1].update(id=1), "instances_train.json: categories[1]: another has the id 1 or the name 'dog'; remove one of them"),
    ("annotation of no image", lambda t: t["annotations"][0].update(image_id=77), "instances_train.json: annotations[0]: no image has the id 77; remove it or add the image"),
    ("image without an id", lambda t: t["images"][0].pop("id"), "instances_train.json: images[0] has no usable 'id'; correct the file"),
    ("name with half a letter", lambda t: t["categories"][0].update(name="\ud800"), "instances_train.json: categories[0] has no usable 'name'; correct the file"),
)
ILSVRC = (
    ("mark 2", ("ImageSets/DET/train_1.txt", "a/0 2\n"), "train_1.txt, line 1: 'a/0 2' is not an image and 1, 0 or -1 (all objects have boxes, some may lack them, none there); correct the line"),
    ("list of an unknown number", ("ImageSets/DET/train_9.txt", "a/0 1\n"), "train_9.txt: no class has the number 9; put map_det.txt of the development kit (wnid, number, name in each line) into HERE/ILSVRC"),
    ("class given twice", ("devkit/data/map_det.txt", "n02000002 1 cat\nn02000002 2 dog\n"), "map_det.txt, line 2: 'n02000002' is already in line 1; remove one of them"),
    ("blacklist of no image", ("black.txt", "77 n02000002\n", {"blacklist": "black.txt"}), like(r"black\.txt, line 1: no image 77: the \d+ of val\.txt have numbers of their own, from 1; put the development kit's val\.txt into HERE/ILSVRC/ImageSets/DET")),
    ("blacklist that is not there", ("other.txt", "", {"blacklist": "black.txt"}), "dataset.detection.blacklist: no file HERE/ILSVRC/black.txt; correct the key or complete the data set"),
)
CAFFE = (
    ("cut short", bad_weights.writers.caffemodel(bad_weights.layers())[:5000], like(r"HERE/w\.caffemodel: not a whole \.caffemodel \(.*\); fetch it again")),
    ("empty", b"", "HERE/w.caffemodel: not a .caffemodel with weights (no layer holds any); fetch it again"),
    ("HTML of a failed download", b"<html>404</html>", "HERE/w.caffemodel: not a whole .caffemodel (byte 1 begins no field); fetch it again"),
    ("a layer is missing", lambda x: {k: v for k, v in x.items() if k != "conv2/3x3"}, "HERE/w.caffemodel: lacks the layer 'conv2/3x3'; get the whole bvlc_googlenet"),
    ("a layer of wrong shape", lambda x: x | {"conv2/3x3": x["conv2/3x3_reduce"]}, "HERE/w.caffemodel: 'conv2.0.weight' is [2, 2, 1, 1] where the network has [6, 2, 3, 3]; the weights are of another network: check the member's origin and width, and the model's keys"),
    ("a layer too many", lambda x: x | {"loss3/classifier_pets": x["loss3/classifier"]}, "HERE/w.caffemodel: has a layer 'loss3/classifier_pets', which bvlc_googlenet does not; did you mean 'loss3/classifier'?"),
    ("a layer without biases", lambda x: x | {"conv2/3x3": x["conv2/3x3"][:1]}, "HERE/w.caffemodel: layer 'conv2/3x3' has 1 blobs, not weights and biases; get bvlc_googlenet itself"),
    ("a layer without weights", lambda x: x | {"loss3/classifier": (x["conv2/3x3"][0][:0], x["conv2/3x3"][1])}, "HERE/w.caffemodel: layer 'loss3/classifier' has no weights; get the whole bvlc_googlenet"),
    ("NaN", lambda x: x | {"conv2/3x3": (x["conv2/3x3"][0] * float("nan"), x["conv2/3x3"][1])}, "HERE/w.caffemodel: 'conv2.0.weight' contains NaN or infinite values; fetch it again"),
    ("a shape beyond any memory", bad_weights.shaped(0, 2**63), "HERE/w.caffemodel: not a whole .caffemodel (layer 'conv2/3x3' has 0 numbers for the shape [0, 9223372036854775808]); fetch it again"),
    ("a shape of 70 sides", bad_weights.shaped(0, *[1] * 69), like(r"HERE/w\.caffemodel: not a whole \.caffemodel \(layer 'conv2/3x3' has 0 numbers for the shape .*\); fetch it again")),
    ("another number of classes", (lambda x: x, {"classes": "ilsvrc2012"}), "HERE/w.caffemodel: has 7 classes, but its origin's class order 'ilsvrc2012' has 1000; give its own order, or \"\" where it is not known"),
)
TORCH = (
    ("a pickle that would run code", bad_weights.hostile, "HERE/w.pth: refused, not read: it would run code (posix.mkdir); save model.state_dict() alone"),
    ("a bare pickle", b"\x80\x04cposix\nmkdir\n(X\x04\x00\x00\x00madetR.", "HERE/w.pth: refused, not read: it would run code (posix.mkdir); save model.state_dict() alone"),
    ("cut short", b"PK\x03\x04" + bytes(500), like(r"HERE/w\.pth: not a whole file of torch\.save \(.*\); fetch it again")),
    ("neither torch's nor safetensors", b"weights", "HERE/w.pth: neither a file of torch.save (.pth) nor safetensors; fetch it again"),
    ("a damaged pickle", b"\x80\x02q\x00.", like(r"HERE/w\.pth: not a whole file of torch\.save \(.*\); fetch it again")),
    ("a compressed zip", bad_weights.compressed, "HERE/w.pth: is compressed, which torch.save never does; save model.state_dict() again"),
    ("numbers that are not in the file", lambda folder: {"fc.weight": torch.zeros(1).expand(2**34, 1024)}, "HERE/w.pth: 'fc.weight' has more numbers than the file; save model.state_dict() alone"),
    ("a list", lambda folder: [1, 2], "HERE/w.pth: holds list, not a state dict; save model.state_dict()"),
    ("the optimiser's state", lambda folder: {"epoch": 3}, "HERE/w.pth: 'epoch' is not a plain tensor; save model.state_dict() alone"),
    ("sparse weights", lambda folder: {"fc.weight": torch.eye(3).to_sparse()}, "HERE/w.pth: 'fc.weight' is not a plain tensor; save model.state_dict() alone"),
    ("no classifier", lambda folder: {"fc.bias": torch.zeros(3)}, "HERE/w.pth: lacks the classifier 'network.fc.weight'; get the whole network"),
)


OWN = (
    ("not safetensors", b"weights", like(r"HERE/w\.safetensors: not a whole safetensors file \(.*\); fetch it again")),
    ("cut short", b"\x08\x00\x00\x00\x00\x00\x00\x00{\"a\":", like(r"HERE/w\.safetensors: not a whole safetensors file \(.*\); fetch it again")),
    ("header of 2^60 bytes", b"\x00\x00\x00\x00\x00\x00\x00\x10{}", like(r"HERE/w\.safetensors: not a whole safetensors file \(.*\); fetch it again")),
    ("a layer is missing", lambda t, m: t.pop("conv1.0.weight"), "HERE/w.safetensors: lacks 'conv1.0.weight'; give the config of the model that wrote it, or train again"),
    ("a layer of wrong shape", lambda t, m: t.update({"conv1.0.bias": torch.zeros(5)}), "HERE/w.safetensors: 'conv1.0.bias' is [5] where the network has [4]; give the config of the model that wrote it, or train again"),
    ("NaN", lambda t, m: t.update({"linear.bias": torch.full((3,), float("nan"))}), "HERE/w.safetensors: 'linear.bias' contains NaN or infinite values; fetch it again"),
    ("no description", lambda t, m: m.pop("spec"), "HERE/w.safetensors: weights without a description of their network; train them again"),
    ("a width of a million", lambda t, m: m.update(spec=bad_weights.spec(architecture={"width": 1e6})), "HERE/w.safetensors: it does not describe a valid network; train the weights again, or fetch the file again"),
    ("dropout of -1", lambda t, m: m.update(spec=bad_weights.spec(architecture={"dropout": -1})), "HERE/w.safetensors: it does not describe a valid network; train the weights again, or fetch the file again"),
    ("classes that are no list", lambda t, m: m.update(spec=bad_weights.spec(classes=7)), "HERE/w.safetensors: it does not describe a valid network; train the weights again, or fetch the file again"),
    ("an unknown network", lambda t, m: m.update(spec=bad_weights.spec(network="vgg")), "HERE/w.safetensors: it does not describe a valid network; train the weights again, or fetch the file again"),
    ("another number of classes", lambda t, m: m.update(spec=bad_weights.spec(classes=["a", "b"])), "HERE/w.safetensors: 'aux_4a.linear.weight' is [3, 64] where the network has [2, 64]; give the config of the model that wrote it, or train again"),
    ("another network than the origin's", lambda t, m: m.update(spec=bad_weights.spec(network="batch_norm")), "HERE/w.safetensors: the network is batch_norm, but the origin says paper; name an origin in conf/origins.yaml with network: batch_norm, or give other weights"),
)
SOURCE = (
    ("not there", ("none.pth", {}), "ensemble.members.m1.weights: no file or folder HERE/none.pth; fetch the weights or correct the path"),
    ("a file where a folder is wanted", ("there.pth", {"format": "raw_float32"}), "ensemble.members.m1.weights: HERE/there.pth is a file, which the format raw_float32 is not; give the right origin"),
    ("a format of another network", ("there.pth", {"network": "paper"}), "ensemble.members.m1.weights: weights in the format torchvision: the network is torchvision_bn, but the origin says paper; name an origin in conf/origins.yaml with network: torchvision_bn, or give other weights"),
    ("unknown order of classes", ("there.pth", {"classes": "ilsvrc2021"}), "ensemble.members.m1.weights: its origin's classes 'ilsvrc2021' is neither a file of names nor a known order; did you mean 'ilsvrc2012'?"),
)
LABELS = (
    ("a class that the network does not know", (["cat", "dog"], ["cat", "dgo"]), "member m1: the network has no class 'dgo', which the data set has (it has 2); did you mean 'dog'?; take the class out, or name its folder as the network does"),
    ("unnamed outputs in another number", ([""] * 3, ["cat", "dog"]), "member m1: its 3 outputs have no names, and the data set has 2 classes; name the outputs with `classes` of the member's origin (conf/origins.yaml)"),
    ("members that predict different classes", ({"m1": {"names": ["cat", "dog"], "columns": [0, 1]},
     "m2": {"names": ["cat", "dog", "fox"], "columns": [0, 1]}}, []), "ensemble.members: m1 and m2 predict different classes (2 and 3), so they cannot be averaged; put them in separate experiments"),
)
SCORING = (
    ("score NaN", ("d.txt", "1 1 nan 0 0 9 9\n"), "d.txt, line 1: score is 'nan', not a finite number; correct it or leave the line out"),
    ("box inverted", ("d.txt", "1 1 0.5 9 0 0 9\n"), "d.txt, line 1: box (9, 0, 0, 9) is inverted; write xmin ymin xmax ymax"),
    ("unknown image", ("d.txt", "7 1 0.5 0 0 9 9\n"), "d.txt, line 1: no image '7' among the 2 of list.txt; correct the line or the list"),
    ("unknown class", ("d.txt", "1 9 0.5 0 0 9 9\n"), "d.txt, line 1: no class '9'; known: 1, 2"),
    ("six words", ("d.txt", "1 1 0.5 0 0 9\n"), "d.txt, line 1: has 6 words, not 7; write image class score xmin ymin xmax ymax"),
    ("eight words", ("d.txt", "1 1 0.5 0 0 9 9 9\n"), "d.txt, line 1: has 8 words, not 7; write image class score xmin ymin xmax ymax"),
    ("not UTF-8", ("d.txt", b"1 1 0.5 0 0 9 \xff\n"), like(r"HERE/d\.txt: cannot be read as text \(.*\); give a UTF-8 text file")),
    ("CSV without a head", ("d.csv", "a,cat,0.5,0,0,9,9\n"), "d.csv, line 1: the header must name image, class, score, xmin, ymin, xmax, ymax; correct it"),
    ("JSON that is no list", ("d.json", "{}"), "d.json: is not a list; write [{image, class, score, box}, ...]"),
    ("JSON without boxes", ("d.json", '[{"image": "a", "class": "cat", "score": 1}]'), "d.json, entry 1: needs the texts image and class, a score, and a box of four numbers; correct it"),
    ("image listed twice", ("list.txt", "a\na\n"), "list.txt, line 2: 'a' is listed twice; remove one of the lines"),
    ("list that leads out", ("list.txt", "a\n../xml/b\n"), "list.txt: '../xml/b' points outside HERE/xml; correct the line"),
    ("no list", ("list.txt", ""), "list.txt: lists no image; give one name in each line"),
    ("unknown class of an object", ("xml/a.xml", xml(("cow", 0, 0, 9, 9))), "a.xml: no class 'cow'; known: cat, dog, n02000001, n02000002"),
    ("broken annotation", ("xml/a.xml", "<annotation>"), like(r"list\.txt, 'a': a\.xml: is not XML \(.*\); correct the file or the list")),
    ("blacklist of no image", ("black.txt", "7 cat\n"), "black.txt, line 1: no image 7: the 2 of list.txt have numbers of their own, from 1; give the list whose numbers the blacklist has, the kit's val.txt, with --numbers"),
    ("class given twice", ("classes.txt", "cat\ncat\n"), "classes.txt, line 2: 'cat' is already in line 1; remove one of them"),
    ("nothing to find", ("xml/b.xml", ""), "list.txt, 'b': b.xml: is empty; correct the file or the list"),
)
SHARDS = (
    ("missing", os.unlink, "HERE/train-00000.arrow: shard missing; pull it or prepare the data set again"),
    ("cut", calls.cut, like(r"HERE/train-00000\.arrow: .* of the manifest; prepare the data set again")),
    ("a changed byte", calls.changed_byte, "HERE/train-00000.arrow: not the bytes that the manifest lists (sha256); prepare the data set again"),
    ("no manifest", lambda path: path.with_name("manifest.json").unlink(), "HERE/manifest.json: not found; run the stage that writes it"),
    ("a manifest that is no JSON", lambda path: put(path.with_name("manifest.json"), "{"), like(r"HERE/manifest\.json: not JSON \(.*\); delete it and run its stage again")),
)
RESULTS = (
    ("edited by hand", '{"top1": }', like(r"HERE/metrics\.json: not JSON \(.*\); delete it and run its stage again")),
    ("results that are not UTF-8", b'{"top1": "\xff"}', like(r"HERE/metrics\.json: not JSON \(.*\); delete it and run its stage again")),
    ("results nested too deep", "[" * 100_000, like(r"HERE/metrics\.json: not JSON \(.*\); delete it and run its stage again")),
    ("a folder in place of results", lambda path: path.mkdir(), "HERE/metrics.json: cannot be read (Is a directory); make it a readable file, or run its stage again"),
)

# Archives are read without being unpacked; an archive is (what adds a member, what spoils its bytes).
CORNERS_OF = "the four corners of its box, separated by tabs; correct the line"
TINY_IMAGENET = (
    ("missing val_annotations.txt", ("classification", lambda top: (top / tiny.TABLE).unlink()), "dataset.classification.root: no file HERE/tiny-imagenet-200/val/val_annotations.txt; correct the key or complete the data set"),
    ("the same for boxes", ("detection", lambda top: (top / tiny.TABLE).unlink()), "dataset.detection.root: no file HERE/tiny-imagenet-200/val/val_annotations.txt; correct the key or complete the data set"),
    ("no part val", ("classification", lambda top: shutil.rmtree(top / "val")), "dataset.classification.root: no folder HERE/tiny-imagenet-200/val; correct the key or complete the data set"),
    ("a class without its table of boxes", ("detection", lambda top: (top / tiny.CAT_BOXES).unlink()), "HERE/tiny-imagenet-200/train/n02123045/n02123045_boxes.txt: class 'n02123045' has no boxes; fetch the file again, or list other classes (dataset.detection.classes)"),
    ("a class with an empty table of boxes", ("detection", lambda top: put(top / tiny.CAT_BOXES, "\n")), "HERE/tiny-imagenet-200/train/n02123045/n02123045_boxes.txt: class 'n02123045' has no boxes; fetch the file again, or list other classes (dataset.detection.classes)"),
    ("a class of wnids.txt without a folder", ("classification", lambda top: shutil.rmtree(top / "train" / tiny.CAT)), "HERE/tiny-imagenet-200/wnids.txt: class 'n02123045' has no folder in train; complete the data set"),
    ("a folder of no class of wnids.txt", ("classification", lambda top: put(top / "train/n9/images/0.JPEG", jpeg())), "HERE/tiny-imagenet-200/train/n9: not a class of wnids.txt; add it there or move the folder"),
    ("an unknown class", ("classification", lambda top: tiny.edited(top, tiny.TABLE, tiny.CAT, "n02123046")), "val_annotations.txt, line 1: class 'n02123046' is not in training; did you mean 'n02123045'?; correct the line"),
    ("an unknown class of a box", ("detection", lambda top: tiny.edited(top, tiny.TABLE, tiny.CAT, "n02123046")), "val_annotations.txt, line 1: class 'n02123046' is not in training; did you mean 'n02123045'?; correct the line"),
    ("no tabs", ("detection", lambda top: tiny.edited(top, tiny.TABLE, "\t", " ")), f"val_annotations.txt, line 1: not an image, a class, and {CORNERS_OF}"),
    ("three corners", ("detection", lambda top: tiny.edited(top, tiny.CAT_BOXES, "63\t63", "63")), f"n02123045_boxes.txt, line 1: not an image, and {CORNERS_OF}"),
    ("a corner below 0", ("detection", lambda top: tiny.edited(top, tiny.CAT_BOXES, "63\t63", "63\t-1")), f"n02123045_boxes.txt, line 1: not an image, and {CORNERS_OF}"),
    ("no root", ("classification", calls.nothing, {"root": ""}), "dataset.classification.root: not set; give the folder of Tiny ImageNet, or its archive"),
    ("a root that is not there", ("classification", calls.nothing, {"root": "no/such"}), "dataset.classification.root: no file or folder no/such; fetch tiny-imagenet-200.zip or correct the path"),
    ("a root that is another file", ("classification", calls.nothing, {"root": __file__}), like(r"dataset\.classification\.root: .*/bad_input\.py is not an archive; give tiny-imagenet-200\.zip, a \.tar or \.tar\.xz, or the folder tiny-imagenet-200")),
    ("a root that is another folder", ("classification", lambda top: top.rename(top.with_name("x")).joinpath("train").rename(top.with_name("y")) and top.mkdir()), "dataset.classification.root: HERE/tiny-imagenet-200 has neither train and val nor tiny-imagenet-200.zip; fetch that or correct the path"),
    ("the images without labels", ("classification", calls.nothing, {"splits": tiny.SPLITS | {"test": "test"}}), "dataset.classification.splits.test: no part 'test'; the images of test have no labels; name train or val"),
    ("a misspelt part", ("classification", calls.nothing, {"splits": tiny.SPLITS | {"test": "vall"}}), "dataset.classification.splits.test: no part 'vall'; did you mean 'val'?; name train or val"),
    ("an unknown class asked for", ("detection", calls.nothing, {"classes": ["taby"]}), "dataset.detection.classes: no class 'taby'; did you mean 'tabby'?"),
)
ARCHIVES = (
    ("cut short", (calls.nothing, lambda path: path.write_bytes(path.read_bytes()[:1200])), "HERE/a.tar: stops after 1,200 bytes without the end that a tar has; fetch it again"),
    ("no archive", (calls.nothing, lambda path: path.write_bytes(b"x" * 2000)), "HERE/a.tar: not a tar archive (invalid header); fetch it again"),
    ("an empty file", (calls.nothing, lambda path: path.write_bytes(b"")), "HERE/a.tar: not a tar archive (empty header); fetch it again"),
    ("a member that leads out", (calls.member("../../etc/passwd"), calls.nothing), "a.tar: '../../etc/passwd' points outside the archive; fetch it again, or take that out"),
    ("an absolute name", (calls.member("/etc/passwd"), calls.nothing), "a.tar: '/etc/passwd' has an absolute name; fetch it again, or take that out"),
    ("a symbolic link", (calls.member("n1/b.JPEG", tarfile.SYMTYPE, "/etc/passwd"), calls.nothing), "a.tar: 'n1/b.JPEG' is a symbolic link; fetch it again, or take that out"),
    ("a hard link", (calls.member("n1/b.JPEG", tarfile.LNKTYPE, "/etc/passwd"), calls.nothing), "a.tar: 'n1/b.JPEG' is a hard link; fetch it again, or take that out"),
    ("a device", (calls.member("n1/b.JPEG", tarfile.CHRTYPE), calls.nothing), "a.tar: 'n1/b.JPEG' is a device; fetch it again, or take that out"),
    ("a name twice", (calls.member("n1/a.JPEG"), calls.nothing), "a.tar: two members are called 'n1/a.JPEG'; fetch it again, or take one out"),
    ("compressed images", (calls.nothing, calls.compressed), "HERE/a.tar: is compressed, so no single image can be read from it; unpack that layer once (gunzip, bunzip2, unxz: it becomes a.tar)"),
)

# fmt: on
TABLE = (
    ("images", calls.image, LEFT_OUT, IMAGES),
    ("VOC's XML", calls.annotation, LEFT_OUT, XML),
    ("lists of VOC", calls.voc, LEFT_OUT, VOC_LISTS),
    ("VOC's layout", calls.voc, STOPS, VOC),
    ("class folders", calls.folders, STOPS, FOLDERS),
    ("boxes of COCO", calls.coco, LEFT_OUT, COCO_BOXES),
    ("COCO's JSON", calls.coco, STOPS, COCO),
    ("ILSVRC's lists", calls.ilsvrc, STOPS, ILSVRC),
    ("archives", calls.archive, STOPS, ARCHIVES),
    ("Tiny ImageNet", calls.tiny_imagenet, STOPS, TINY_IMAGENET),
    ("settings", bad_settings.settings, STOPS, bad_settings.SETTINGS),
    ("keys of former versions", bad_settings.settings, STOPS, bad_settings.FORMER),
    ("the experiment's name", bad_settings.chosen, STOPS, bad_settings.CHOSEN),
    ("the command line", bad_settings.command, STOPS, bad_settings.COMMAND),
    ("a .caffemodel", bad_weights.caffe, STOPS, CAFFE),
    ("a file of torch", bad_weights.torchs, STOPS, TORCH),
    ("a checkpoint of ours", bad_weights.own, STOPS, OWN),
    ("whose weights they are", bad_weights.source, STOPS, SOURCE),
    ("labels", calls.labels, STOPS, LABELS),
    ("files of the scoring command", calls.scoring, STOPS, SCORING),
    ("shards", calls.shard, STOPS, SHARDS),
    ("results", calls.results, STOPS, RESULTS),
)
