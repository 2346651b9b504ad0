insert into patchbay.endpoint_types (endpoint_type, provider) values ('autodesk_construction_cloud', 'autodesk');
